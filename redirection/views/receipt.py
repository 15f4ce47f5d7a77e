"""The receipt on the settings page: where the newest change has arrived, kept up to date."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django_htmx.http import HttpResponseStopPolling

from redirection import delivery_texts
from redirection.conf import conf
from redirection.deliveries import Delivery
from redirection.models import Receipt, Tenant
from redirection.views.visited import tenant_to_see

TEMPLATE = "redirection/_receipt.html"
# Seconds between two questions of an open page.
_WHILE_INCOMPLETE = 1
_WHEN_COMPLETE = 2
# An unchanged page learns so often (seconds) that it is up to date.
_TIME_SHOWN = 30


@dataclass(frozen=True)
class Part:
    """What the part of the page says. ``shown`` names what a page with it shows.

    ``known`` is what the page shows already.
    """

    delivery: Delivery
    sentence: str
    late: list[str]
    next_step: str
    rows: list[delivery_texts.Row]
    page_revision: int
    known: str = ""

    @property
    def shown(self) -> str:
        time = int(self.delivery.read_at.timestamp()) // _TIME_SHOWN
        return f"{_digest(self.sentence)}-{self._rest}-{time}"

    @property
    def sentence_is_shown(self) -> bool:
        """Whether the page has the sentence: a screen reader says nothing twice."""
        return self.known.partition("-")[0] == _digest(self.sentence)

    @property
    def rest_is_shown(self) -> bool:
        """Whether the page has the list and the table: what is selected there stays so."""
        return self.known.rpartition("-")[0].partition("-")[2] == self._rest

    @property
    def state(self) -> str:
        """How it looks: "complete" is good, "missing" neither good nor bad."""
        if not self.delivery.is_complete:
            return "incomplete"
        return "missing" if self.delivery.missing else "complete"

    @property
    def every(self) -> int:
        """Seconds until an open page asks again."""
        waiting = bool(self.delivery.late)
        return _WHILE_INCOMPLETE if waiting else _WHEN_COMPLETE

    @property
    def rows_left_out(self) -> int:
        return len(self.delivery.workers) - len(self.rows)

    @property
    def _rest(self) -> str:
        return _digest(repr((self.late, self.next_step, self.rows, self.rows_left_out)))


def receipt_of(
    tenant: Tenant, *, page_revision: int | None = None, known: str = "", confirm: str = ""
) -> Part:
    """The part for a page that shows the tenant at ``page_revision`` (2 queries).

    ``known`` is what the page shows already; ``confirm`` is "on" or "off" while it asks to
    confirm that, and somebody may be typing.
    """
    delivery = Receipt.objects.delivery(tenant)
    sentence = delivery_texts.sentence(delivery)
    if page_revision is not None and page_revision != delivery.revision:
        sentence += f" {_changed(confirm)}"
    return Part(
        delivery=delivery,
        sentence=sentence,
        late=delivery_texts.late(delivery),
        next_step=delivery_texts.next_step(delivery),
        rows=delivery_texts.rows(delivery, conf().report),
        page_revision=delivery.revision if page_revision is None else page_revision,
        known=known,
    )


# To reload a page with a form would lose what was typed; to send it loses nothing.
def _changed(confirm: str) -> str:
    if confirm:
        return _(
            "The setting has changed since this page was read. Send your form: you are shown "
            "what changed."
        )
    return _("The setting has changed since this page was read. Reload the page.")


def _signed_out(confirm: str) -> str:
    if confirm:
        return _(
            "You are signed out. Send your form: you are asked to sign in, and what you typed is "
            "kept."
        )
    return _("You are signed out. Reload the page to sign in.")


# Whoever is not signed in any more is told so in the page: a page to sign in has no place in it.
@never_cache
@require_safe
@login_not_required
def receipt(request: HttpRequest) -> HttpResponse:
    """The part as it is now, or nothing (204) for a page that shows it already."""
    is_poll = request.headers.get("HX-Request") == "true"
    confirm = _confirm(request)
    if not request.user.is_authenticated:
        if is_poll:
            return _ended(request, _signed_out(confirm))
        return redirect_to_login(_settings_address(request))
    try:
        tenant = tenant_to_see(request, request.GET.get("tid"))
    except (Http404, PermissionDenied):
        if not is_poll:
            raise
        return _ended(request, _("You can no longer see this setting. Reload the page."))
    shown = request.GET.get("shown", "")
    page_revision = _number(request.GET.get("revision"))
    part = receipt_of(tenant, page_revision=page_revision, known=shown, confirm=confirm)
    if shown == part.shown:
        return HttpResponse(status=HTTPStatus.NO_CONTENT)
    return render(request, TEMPLATE, {"tenant": tenant, "receipt": part, "confirm": confirm})


# The page asks by itself: that keeps nobody signed in who has left it.
receipt.keeps_session_alive = False  # type: ignore[attr-defined]


def _ended(request: HttpRequest, sentence: str) -> HttpResponse:
    """The last answer to a page that may not ask any more."""
    context: dict[str, Any] = {"ended": sentence, "again": _settings_address(request)}
    return HttpResponseStopPolling(render(request, TEMPLATE, context).content)


def _settings_address(request: HttpRequest) -> str:
    query = {"tabid": "autoRedirection"}
    if tid := request.GET.get("tid", "")[:36]:
        query["tid"] = tid
    if confirm := _confirm(request):
        query["confirm"] = confirm
    return f"{reverse('redirection:settings')}?{urlencode(query)}"


def _confirm(request: HttpRequest) -> str:
    wanted = request.GET.get("confirm", "")
    return wanted if wanted in ("on", "off") else ""


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 19 else None


def _digest(text: str) -> str:
    return hashlib.blake2s(text.encode(), digest_size=6).hexdigest()
