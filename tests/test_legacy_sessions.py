"""The signed cookie of the legacy session."""

from __future__ import annotations

from django.http import HttpResponse
from django.test import Client
from hypothesis import given, strategies as st
from pytest_django import Settings

from redirection import legacy_sessions
from redirection.conf import conf
from redirection.decisions import LegacySession

TID = "11111111-1111-4111-8111-111111111111"
OTHER = "22222222-2222-4222-8222-222222222222"
SESSION = LegacySession(TID, 1_700_000_000_123, 1_700_000_060_456)


def cookies(session: LegacySession = SESSION) -> dict[str, str]:
    """What a browser sends after it was given the session."""
    response = HttpResponse()
    legacy_sessions.write(conf(), response, session, "portal.localhost")
    return {name: morsel.value for name, morsel in response.cookies.items()}


def test_a_session_comes_back_as_it_was_written() -> None:
    assert legacy_sessions.read(conf(), cookies(), TID) == SESSION


def test_the_cookie_reaches_every_tenant_host_and_no_script() -> None:
    response = HttpResponse()
    legacy_sessions.write(conf(), response, SESSION, "portal.localhost")
    (morsel,) = response.cookies.values()
    assert morsel["domain"] == "portal.localhost"
    assert morsel["httponly"]
    assert morsel["samesite"] == "Lax"
    # It ends with the browser, so it has no age of its own.
    assert morsel["max-age"] == morsel["expires"] == ""


def test_over_https_the_cookie_is_secure_by_name_too(settings: Settings) -> None:
    settings.REDIRECTION_SESSION_COOKIE_SECURE = True
    (name,) = cookies()
    assert name.startswith("__Secure-legacy_session_")


def test_a_session_of_one_tenant_is_none_of_another() -> None:
    (value,) = cookies().values()
    moved = {legacy_sessions.cookie_name(conf(), OTHER): value}
    assert legacy_sessions.read(conf(), moved, OTHER) is None


def test_a_longer_session_cannot_be_written_by_hand() -> None:
    ((name, value),) = cookies().items()
    started, seen, signature = value.split(".")
    later = f"{int(seen, 16) + 1_000_000:x}"
    assert legacy_sessions.read(conf(), {name: f"{started}.{later}.{signature}"}, TID) is None


def test_a_former_key_is_still_read_and_a_foreign_one_is_not(settings: Settings) -> None:
    old = settings.SECRET_KEY
    sent = cookies()
    settings.SECRET_KEY = "another-secret-key-that-is-just-as-well-known-to-readers"
    assert legacy_sessions.read(conf(), sent, TID) is None
    settings.SECRET_KEY_FALLBACKS = [old]
    assert legacy_sessions.read(conf(), sent, TID) == SESSION


@given(st.text(max_size=120))
def test_no_cookie_value_whatever_breaks_it(value: str) -> None:
    sent = {legacy_sessions.cookie_name(conf(), TID): value}
    assert legacy_sessions.read(conf(), sent, TID) is None


def test_the_tenant_visited_last_is_remembered_for_a_year() -> None:
    response = HttpResponse()
    assert legacy_sessions.remembered_tenant(conf(), {}) == ""
    legacy_sessions.remember_tenant(conf(), response, TID, "portal.localhost")
    (morsel,) = response.cookies.values()
    assert morsel["max-age"] == 365 * 86400
    assert morsel["domain"] == "portal.localhost"
    assert legacy_sessions.remembered_tenant(conf(), {morsel.key: morsel.value}) == TID


def test_signing_out_ends_every_legacy_session() -> None:
    response = HttpResponse()
    sent = cookies() | {"other": "cookie"}
    legacy_sessions.end(conf(), sent, response, "portal.localhost")
    (morsel,) = response.cookies.values()
    assert morsel.key in sent
    assert morsel["max-age"] == 0
    assert morsel["domain"] == "portal.localhost"


def test_a_browser_that_signed_out_has_no_session(client: Client) -> None:
    client.cookies.load(cookies())
    response = HttpResponse()
    legacy_sessions.end(conf(), cookies(), response, "portal.localhost")
    client.cookies.update(response.cookies)
    values = {name: morsel.value for name, morsel in client.cookies.items()}
    assert legacy_sessions.read(conf(), values, TID) is None
