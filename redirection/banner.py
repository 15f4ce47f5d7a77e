"""What the banner on a legacy page says, and to whom."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse

from redirection import decisions
from redirection.conf import conf
from redirection.middleware import hand_over_address
from redirection.models import Tenant
from redirection.permissions import SWITCH_REDIRECTION
from redirection.visits import Visit

CLOSED_COOKIE = "legacy_banner"


class Variant(StrEnum):
    """Off and may switch; off and may not; on, and why this tab stays."""

    CONFIGURE = "configure"
    INFORM = "inform"
    STAYS = "stays"


@dataclass(frozen=True)
class Banner:
    """One banner: its variant, where its actions lead, and since when redirection is on."""

    variant: Variant
    open_url: str
    configure_url: str
    feedback_url: str
    close_url: str
    since: dt.datetime | None


def banner_for(request: HttpRequest) -> Banner | None:
    """The banner of the page being served, or None where there is nothing to say."""
    visit: Visit | None = getattr(request, "redirection", None)
    if visit is None or visit.tenant is None or visit.decision.go:
        return None
    origin = conf().destination(visit.tenant.cloud)
    variant = _variant(request, visit.tenant)
    if origin is None or request.COOKIES.get(CLOSED_COOKIE) == variant:
        return None
    since = dt.datetime.fromtimestamp(visit.tenant.since / 1000, dt.UTC)
    settings_path = reverse("redirection:settings", urlconf=conf().destination_urlconf)
    about = urlencode({"about": request.get_full_path()})
    return Banner(
        variant=variant,
        open_url=origin + hand_over_address(request, visit.tenant.tid),
        configure_url=f"{origin}{settings_path}?tabid=autoRedirection&tid={visit.tenant.tid}",
        feedback_url=f"{reverse('redirection:feedback')}?{about}",
        close_url=reverse("redirection:close_banner"),
        since=since if variant is Variant.STAYS else None,
    )


def _variant(request: HttpRequest, tenant: decisions.Tenant) -> Variant:
    if tenant.on:
        return Variant.STAYS
    person = getattr(request, "user", None)
    if person is None or not person.is_authenticated:
        return Variant.INFORM
    row = Tenant.objects.filter(tid=tenant.tid).first()
    if row is not None and person.has_perm(SWITCH_REDIRECTION, row):
        return Variant.CONFIGURE
    return Variant.INFORM
