"""How long a sign-in lasts: some hours in all, and less without a request."""

from __future__ import annotations

import time
from collections.abc import Callable

from django.conf import settings
from django.contrib.auth import SESSION_KEY, logout
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest, HttpResponse

from portal.errors import STORE_ERRORS, store_failed

SIGNED_IN_AT = "signed_in_at"
SEEN_AT = "seen_at"
# The session is written at most this often (seconds) only because somebody was here.
_MARK_AFTER = 60


class SessionLimitsMiddleware:
    """Makes somebody anonymous whose session is over; the page wanted then asks to sign in.

    The cookie alone is no limit: its age begins anew whenever the session is written. A view
    that a page asks for by itself has ``keeps_session_alive = False``: it says nothing about
    whether somebody is still there.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        session, now = request.session, int(time.time())
        try:
            if SESSION_KEY in session and _is_over(session, now):
                logout(request)
            # Asked now: whoever asks later has no answer for a store that fails.
            bool(request.user.is_authenticated)
        except STORE_ERRORS as error:
            # This is the first to ask the store who somebody is.
            return store_failed(request, error)
        response = self.get_response(request)
        if SESSION_KEY in session:
            # Somebody signed in with this request.
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
