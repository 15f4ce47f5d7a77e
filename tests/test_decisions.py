"""Stay or go, and why."""

from __future__ import annotations

import pytest

from redirection.decisions import (
    Facts,
    LegacySession,
    Reason,
    Tenant,
    decide,
    is_exempt,
    redirection_is_on,
)
from tests.demo_process import ROOT

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
        (Facts(legacy=True, tenant=ON, cookies_unreadable=True), Reason.COOKIES_UNREADABLE, False),
        (Facts(legacy=True, tenant=OFF, cookies_unreadable=True), Reason.COOKIES_UNREADABLE, False),
        (Facts(legacy=True, cookies_unreadable=True), Reason.UNKNOWN_TENANT, False),
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


def test_a_destination_that_keeps_sending_back_is_not_fed_again() -> None:
    decision = decide(Facts(legacy=True, tenant=ON, sent_back=True))
    assert (decision.reason, decision.go, decision.revision) == (Reason.LOOP_STOPPED, False, 41)
    assert decide(Facts(legacy=True, tenant=OFF, sent_back=True)).reason is Reason.OFF


@pytest.mark.parametrize(
    ("facts", "refused"),
    [
        (Facts(legacy=True, tenant=ON), True),
        (Facts(legacy=True, tenant=ON, session=BEFORE), True),
        (Facts(legacy=True, tenant=ON, session=BEFORE, session_runs=True), False),
        (Facts(legacy=True, tenant=ON, stepped_back=True), False),
        (Facts(legacy=True, tenant=ON, destination=False), False),
        (Facts(legacy=True, tenant=OFF), True),
        (Facts(legacy=True, tenant=OFF, session=BEFORE, session_runs=True), False),
        (Facts(legacy=True), False),
        (Facts(legacy=True, loaded=False), False),
        (Facts(legacy=True, exempt=True), False),
        (Facts(legacy=True, tenant=ON, cookies_unreadable=True), False),
        (Facts(legacy=True, tenant=OFF, cookies_unreadable=True), False),
    ],
)
def test_ahead_of_time_a_page_is_given_only_if_nothing_begins_or_moves(
    facts: Facts, refused: bool
) -> None:
    decision = decide(facts._replace(ahead_of_time=True))
    assert decision.refuse is refused
    assert not decision.go
    assert (decision.reason is Reason.AHEAD_OF_TIME) is refused


def test_every_reason_is_described() -> None:
    rows = (ROOT / "docs" / "decisions.md").read_text().splitlines()
    described = [row.split("`")[1] for row in rows if row.startswith("| `")]
    assert described == [reason.value for reason in Reason]


def test_a_session_of_another_tenant_does_not_count() -> None:
    foreign = LegacySession("22222222-2222-4222-8222-222222222222", 0, 0)
    decision = decide(Facts(legacy=True, tenant=ON, session=foreign, session_runs=True))
    assert decision.reason is Reason.NEW_SESSION


def test_a_session_counts_from_its_beginning_however_late_it_was_seen() -> None:
    seen_after = LegacySession(TID, ON.since - 1, ON.since + 1)
    decision = decide(Facts(legacy=True, tenant=ON, session=seen_after, session_runs=True))
    assert decision.reason is Reason.SESSION_CONTINUES


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


@pytest.mark.parametrize("path", ["/api/", "/api", "/api/v1/alerts/", "/saml/consumer"])
def test_a_path_below_an_exempt_one_is_exempt(path: str) -> None:
    assert is_exempt(path, ("/api/", "/saml/"))


@pytest.mark.parametrize("path", ["/", "/apis", "/application", "/audits/api/", "api/"])
def test_a_path_that_only_looks_like_one_is_not(path: str) -> None:
    assert not is_exempt(path, ("/api/", "/saml/"))
