"""Stay or go, and why."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from redirection.decisions import (
    Facts,
    LegacySession,
    PageLoadHints,
    Reason,
    Tenant,
    accepts_html,
    decide,
    is_background_call,
    is_exempt,
    is_page_load,
    redirection_is_on,
)

TID = "11111111-1111-4111-8111-111111111111"
SWITCHED = 1_000_000
ON = Tenant(TID, "contoso", "commercial", on=True, since=SWITCHED, revision=41)
OFF = Tenant(TID, "contoso", "commercial", on=False, since=SWITCHED, revision=42)
BEFORE = LegacySession(TID, SWITCHED - 1, SWITCHED - 1)
AFTER = LegacySession(TID, SWITCHED, SWITCHED)


@pytest.mark.parametrize(
    ("facts", "reason", "goes"),
    [
        (Facts(legacy=False, tenant=ON), Reason.NOT_LEGACY, False),
        (Facts(legacy=True, exempt=True, tenant=ON), Reason.EXEMPT, False),
        (Facts(legacy=True, page_load=False, tenant=ON), Reason.NOT_PAGE_LOAD, False),
        (Facts(legacy=True, loaded=False), Reason.NOTHING_KNOWN, False),
        (Facts(legacy=True), Reason.UNKNOWN_TENANT, False),
        (Facts(legacy=True, tenant=OFF), Reason.OFF, False),
        (Facts(legacy=True, tenant=OFF, session=BEFORE), Reason.OFF, False),
        (Facts(legacy=True, tenant=ON), Reason.NEW_SESSION, True),
        (Facts(legacy=True, tenant=ON, destination=False), Reason.NO_DESTINATION, False),
        (Facts(legacy=True, tenant=OFF, destination=False), Reason.OFF, False),
        (
            Facts(legacy=True, tenant=ON, session=BEFORE, session_runs=True),
            Reason.SESSION_CONTINUES,
            False,
        ),
        (Facts(legacy=True, tenant=ON, session=BEFORE), Reason.SESSION_ENDED, True),
        (
            Facts(legacy=True, tenant=ON, session=AFTER, session_runs=True),
            Reason.NEW_SESSION,
            True,
        ),
    ],
)
def test_every_fact_has_its_reason(facts: Facts, reason: Reason, goes: bool) -> None:
    decision = decide(facts)
    assert (decision.reason, decision.go) == (reason, goes)


def test_a_session_of_another_tenant_does_not_count() -> None:
    foreign = LegacySession("22222222-2222-4222-8222-222222222222", 0, 0)
    decision = decide(Facts(legacy=True, tenant=ON, session=foreign, session_runs=True))
    assert decision.reason is Reason.NEW_SESSION


def test_the_decision_names_the_revision_it_rests_on() -> None:
    assert decide(Facts(legacy=True, tenant=ON)).revision == 41
    assert decide(Facts(legacy=True, tenant=OFF)).revision == 42
    assert decide(Facts(legacy=True)).revision == 0


@pytest.mark.parametrize(
    ("stage", "setting", "on"),
    [
        ("opt_in", "not_set", False),
        ("opt_in", "off", False),
        ("opt_in", "on", True),
        ("opt_out", "not_set", True),
        ("opt_out", "off", False),
        ("opt_out", "on", True),
        ("forced", "not_set", True),
        ("forced", "off", True),
        ("forced", "on", True),
    ],
)
def test_the_effective_mode_is_stage_times_setting(stage: str, setting: str, on: bool) -> None:
    assert redirection_is_on(stage, setting) is on


@pytest.mark.parametrize(
    ("seen", "now", "runs"),
    [(0, 60, True), (0, 61, False), (90, 100, True), (90, 101, False), (50, 20, True)],
)
def test_a_session_runs_until_idle_time_out_or_limit(seen: int, now: int, runs: bool) -> None:
    assert LegacySession(TID, 0, seen).is_running(now, idle=60, limit=100) is runs


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_navigation_of_a_tab_is_a_page_load(method: str) -> None:
    assert is_page_load(PageLoadHints(method, "navigate", "document", "XMLHttpRequest", None))


@pytest.mark.parametrize(
    "hints",
    [
        PageLoadHints("POST", "navigate", "document", None, "text/html"),
        PageLoadHints("PUT", "cors", "empty", None, "*/*"),
        PageLoadHints("OPTIONS", None, None, None, "text/html"),
        PageLoadHints("get", "navigate", "document"),
        PageLoadHints("GET", "navigate", "iframe", None, "text/html"),
        PageLoadHints("GET", "navigate", None, None, "text/html"),
        PageLoadHints("GET", None, "document", None, "text/html"),
        PageLoadHints("GET", "cors", "empty", None, "text/html"),
        PageLoadHints("GET", "no-cors", "image", None, "image/png"),
        PageLoadHints("GET", "websocket", "empty"),
        PageLoadHints("GET", None, None, "XMLHttpRequest", "text/html"),
        PageLoadHints("GET", None, None, None, "application/json"),
        PageLoadHints("GET", None, None, None, "text/event-stream"),
        PageLoadHints("GET", None, None, None, None),
    ],
)
def test_everything_else_is_no_page_load(hints: PageLoadHints) -> None:
    assert not is_page_load(hints)


@pytest.mark.parametrize(
    ("hints", "is_one"),
    [
        (PageLoadHints("POST", "navigate", "document"), True),
        (PageLoadHints("GET", "cors", "empty"), True),
        (PageLoadHints("GET", requested_with="XMLHttpRequest"), True),
        (PageLoadHints("GET", "no-cors", "image"), False),
        (PageLoadHints("HEAD"), False),
    ],
)
def test_a_background_call_shows_that_somebody_is_at_work(
    hints: PageLoadHints, is_one: bool
) -> None:
    assert is_background_call(hints) is is_one


def test_an_old_browser_is_known_by_what_it_accepts() -> None:
    accept = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
    assert is_page_load(PageLoadHints("GET", accept=accept))


@pytest.mark.parametrize(
    ("accept", "takes"),
    [
        ("text/html", True),
        ("TEXT/HTML; q=0.1", True),
        ("*/*", True),
        ("text/*;q=0.5", True),
        ("application/xhtml+xml", True),
        ("application/json, */*;q=0", False),
        ("text/html;q=0, */*", False),
        ("*/*, text/html;q=0", False),
        ("text/html;q=high", False),
        ("text/html;level=1;q=0.3", True),
        ("application/json", False),
        ("", False),
        (None, False),
    ],
)
def test_accept_is_read_as_the_standard_says(accept: str | None, takes: bool) -> None:
    assert accepts_html(accept) is takes


@given(st.text())
def test_no_accept_header_breaks_it(accept: str) -> None:
    assert accepts_html(accept) in (True, False)


@pytest.mark.parametrize("path", ["/api/", "/api", "/api/v1/alerts/", "/saml/consumer"])
def test_a_path_below_an_exempt_one_is_exempt(path: str) -> None:
    assert is_exempt(path, ("/api/", "/saml/"))


@pytest.mark.parametrize("path", ["/", "/apis", "/application", "/audits/api/", "api/"])
def test_a_path_that_only_looks_like_one_is_not(path: str) -> None:
    assert not is_exempt(path, ("/api/", "/saml/"))
