"""A cookie reads the same, whether Django writes it or the door does."""

from __future__ import annotations

import time

import pytest
import time_machine
from django.http import HttpResponse

from redirection import form_chains, legacy_sessions, loops
from redirection.conf import conf
from redirection.decisions import LegacySession
from redirection.set_cookies import Cookie

TID = "11111111-1111-4111-8111-111111111111"


def ours() -> list[Cookie]:
    session = LegacySession(TID, 1_700_000_000_000, 1_700_000_060_000)
    return [
        legacy_sessions.remembering(conf(), TID, "portal.localhost"),
        legacy_sessions.keeping(conf(), session, "portal.localhost"),
        loops.counting(conf(), 3),
        form_chains.marking(conf()),
    ]


@pytest.mark.parametrize("secure", [True, False])
def test_the_text_is_what_django_writes(secure: bool, settings: object) -> None:
    settings.REDIRECTION_SESSION_COOKIE_SECURE = secure  # type: ignore[attr-defined]
    with time_machine.travel("2026-01-05T08:00:00Z", tick=False):
        for cookie in ours():
            response = HttpResponse()
            cookie.put_on(response)
            [written] = response.cookies.values()
            assert cookie.text(time.time()) == written.OutputString()
            # None of them is read by a script, or sent along by another site's form.
            assert written["httponly"]
            assert written["samesite"] == "Lax"
            assert bool(written["secure"]) is secure
