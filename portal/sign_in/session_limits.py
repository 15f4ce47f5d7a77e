"""How long a sign-in lasts, some hours in all and less without a request; and where it counts."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from django.conf import settings
from django.contrib.auth import SESSION_KEY, logout
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest, HttpResponse

from portal.errors import STORE_ERRORS, store_failed
from portal.hosts import legacy_host

logger = logging.getLogger(__name__)

SIGNED_IN_AT = "signed_in_at"
SEEN_AT = "seen_at"
# Whether it was on a host of the legacy portal.
ON_LEGACY_HOST = "signed_in_on_legacy_host"
# The session is written at most this often (seconds) only because somebody was here.
_MARK_AFTER = 60


class SessionLimitsMiddleware:
    """Makes somebody anonymous whose session is over; the page wanted then asks to sign in.

    The cookie alone is no limit: its age begins anew whenever the session is written. A view
    that a page asks for by itself has ``keeps_session_alive = False``: it says nothing about
    whether somebody is still there.

    A session counts on the portal it began on. A legacy portal that is not ours sees the cookies
    of its own hosts, and must not come with them to the destination, where things are changed.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        now, on_legacy_host = int(time.time()), legacy_host(request) is not None
        try:
            if request.session.get(ON_LEGACY_HOST, on_legacy_host) != on_legacy_host:
                logger.warning("A session of the other portal was shown, and counts as none")
                # The session itself goes on where it began.
                request.session = type(request.session)()
            session = request.session
            was_signed_in = SESSION_KEY in session
            if was_signed_in and _is_over(session, now):
                logout(request)
                was_signed_in = False
            # Asked now: whoever asks later has no answer for a store that fails.
            bool(request.user.is_authenticated)
        except STORE_ERRORS as error:
            # This is the first to ask the store who somebody is.
            return store_failed(request, error)
        response = self.get_response(request)
        if SESSION_KEY in session:
            # Somebody signed in with this request.
            if not was_signed_in:
                session.setdefault(ON_LEGACY_HOST, on_legacy_host)
            session.setdefault(SIGNED_IN_AT, now)
            session.setdefault(SEEN_AT, now)
        return response

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], *_: object
    ) -> None:
        if SESSION_KEY in request.session and getattr(view, "keeps_session_alive", True):
            _mark(request.session, int(time.time()))


def _is_over(session: SessionBase, now: int) -> bool:
    signed_in_at: int = session.get(SIGNED_IN_AT, now)
    seen_at: int = session.get(SEEN_AT, now)
    return (
        now - signed_in_at > settings.PORTAL_SESSION_LIMIT
        or now - seen_at > settings.PORTAL_SESSION_IDLE
    )


def _mark(session: SessionBase, now: int) -> None:
    # With a short limit more often, so that nobody is sent away much too early.
    often = min(_MARK_AFTER, settings.PORTAL_SESSION_IDLE // 10)
    if now - session.get(SEEN_AT, 0) >= often:
        session[SEEN_AT] = now
