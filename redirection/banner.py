"""What the banner on a legacy page says, and to whom."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse

from redirection import decisions
from redirection.conf import conf
from redirection.locations import hand_over_address
from redirection.models import Feedback, Tenant
from redirection.permissions import SWITCH_REDIRECTION, may
from redirection.request_classes import RequestClass
from redirection.visits import Visit

CLOSED_COOKIE = "legacy_banner"


class Variant(StrEnum):
    """What there is to say.

    Off and may switch; off and may not; on, and this tab stays, or its session has ended; on,
    and the destination sent the browser back too often.
    """

    CONFIGURE = "configure"
    INFORM = "inform"
    STAYS = "stays"
    MOVES = "moves"
    SENT_BACK = "sent_back"


_SINCE = (Variant.STAYS, Variant.MOVES)


@dataclass(frozen=True)
class Banner:
    """One banner: its variant, where its actions lead, since when redirection is on.

    ``until`` is when the tab moves at the latest, ``idle_minutes`` after how long unused.
    """

    variant: Variant
    open_url: str
    configure_url: str
    feedback_url: str
    close_url: str
    since: dt.datetime | None
    until: dt.datetime | None
    idle_minutes: int

    @property
    def state(self) -> str:
        """Changes when there is something new to say: a page that is open compares it."""
        return f"{self.variant} {self.since or ''} {self.until or ''}".strip()


def banner_for(request: HttpRequest, page: str, visit: Visit | None) -> Banner | None:
    """The banner of ``page`` (path and query) for who asks; None where there is nothing to say.

    ``visit`` is the one of the page, ``request`` may be one of its script.
    """
    if visit is None or visit.tenant is None or visit.decision.go:
        return None
    if visit.request_class is RequestClass.EMBEDDED:
        return None
    if visit.step_back is not None and visit.tenant.on:
        # The page says that instead.
        return None
    origin = conf().destination(visit.tenant.cloud)
    variant = _variant(request, visit, visit.tenant)
    if variant is None:
        return None
    if origin is None or request.COOKIES.get(CLOSED_COOKIE) == variant:
        return None
    settings_path = reverse("redirection:settings", urlconf=conf().destination_urlconf)
    about = urlencode({"about": page, "from": Feedback.Source.BANNER.value})
    return Banner(
        variant=variant,
        open_url=origin + hand_over_address(visit.tenant.tid, page),
        configure_url=f"{origin}{settings_path}?tabid=autoRedirection&tid={visit.tenant.tid}",
        feedback_url=f"{reverse('redirection:feedback')}?{about}",
        close_url=reverse("redirection:close_banner"),
        since=_moment(visit.tenant.since) if variant in _SINCE else None,
        until=_until(visit) if variant is Variant.STAYS else None,
        idle_minutes=max(conf().session_idle // 60, 1),
    )


def banner_context(request: HttpRequest, page: str, visit: Visit | None) -> dict[str, Any]:
    """What the banner's template needs for ``page``; the form's token comes on top."""
    tid = visit.tenant.tid if visit is not None and visit.tenant is not None else ""
    # A page out of a loop goes on saying so: no later request knows of it.
    asks = bool(tid) and visit is not None and not visit.is_in_a_loop
    return {
        "banner": banner_for(request, page, visit),
        "page": page,
        "here_url": f"{reverse('redirection:here')}?{urlencode({'tid': tid})}" if asks else "",
        "destination_name": conf().destination_name,
        "legacy_name": conf().legacy_name,
    }


def _until(visit: Visit) -> dt.datetime | None:
    if visit.session is None:
        return None
    return _moment(visit.session.started + conf().session_limit * 1000)


def _moment(milliseconds: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(milliseconds / 1000, dt.UTC)


def _variant(request: HttpRequest, visit: Visit, tenant: decisions.Tenant) -> Variant | None:
    if tenant.on:
        if visit.is_in_a_loop:
            return Variant.SENT_BACK
        if visit.session is None:
            # A stranger, for all that is known: nothing began here, so nothing has ended.
            return None
        return Variant.STAYS if visit.session_runs else Variant.MOVES
    person = getattr(request, "user", None)
    if person is None or not person.is_authenticated:
        return Variant.INFORM
    row = Tenant.objects.filter(tid=tenant.tid).first()
    if row is not None and may(person, SWITCH_REDIRECTION, row):
        return Variant.CONFIGURE
    return Variant.INFORM
