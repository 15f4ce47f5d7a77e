"""What is kept in memory to answer faster is bounded, never stale, and never somebody else's."""

from __future__ import annotations

import threading
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given, settings as hypothesis_settings, strategies as st
from pytest_django import Settings

from redirection import (
    decisions,
    legacy_sessions,
    locations,
    received_requests,
    request_classes,
    switches,
    visits,
)
from redirection.answers import go
from redirection.conf import conf
from redirection.decisions import LegacySession, Reason, Tenant
from redirection.link_rules import LinkRule
from redirection.locations import KnownWays, way_of
from redirection.memories import Memory
from redirection.received_requests import of_environ
from redirection.request_classes import class_of, hints_of, request_class
from redirection.rule_sets import NO_RULES, RuleSet
from redirection.switches import Held

NOW = 1_767_600_000_000
MINUTE = 60_000
CONTOSO = Tenant(
    "11111111-1111-4111-8111-111111111111", "contoso", "commercial", True, NOW - MINUTE, 41
)
FABRIKAM = Tenant(
    "22222222-2222-4222-8222-222222222222", "fabrikam", "gcc-high", True, NOW - MINUTE, 42
)


def memories() -> list[Memory[Any, Any]]:
    """All that are asked on the way of a request."""
    return [
        received_requests._named,
        received_requests._is_well_formed,
        received_requests._parsed,
        request_classes._of_these,
        legacy_sessions._verified,
        visits._no_page_load,
        decisions._new_session,
        conf().session_cookie_names,
        conf().known_exempt,
        conf().legacy_hosts.known,
        locations._known_ways(conf()),
    ]


def holding(*tenants: Tenant, rules: RuleSet = NO_RULES) -> Held:
    changes = [(tenant, True) for tenant in tenants]
    return Held(0).with_changes(42, changes, rules)


def environ_of(host: str, target: str = "/audits", cookie: str = "", **more: str) -> dict[str, Any]:
    path, _, query = target.partition("?")
    return {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "HTTP_HOST": host,
        "HTTP_SEC_FETCH_MODE": "navigate",
        "HTTP_SEC_FETCH_DEST": "document",
        "HTTP_COOKIE": cookie,
        **more,
    }


def answered(environ: dict[str, Any], held: Held, now: int = NOW) -> tuple[object, ...]:
    """What a request gets, by a worker that holds this."""
    request = of_environ(environ)
    visit = visits.visit_at(request, conf(), held, now)
    if not visit.decision.go or visit.tenant is None:
        return (visit.header,)
    found = go(request, visit, visit.tenant, conf(), counts=False)
    return found.status, found.headers, found.cookies


def session_cookie(tenant: Tenant) -> str:
    session = LegacySession(tenant.tid, NOW - 5 * MINUTE, NOW)
    cookie = legacy_sessions.keeping(conf(), session, "")
    return f"{cookie.name}={cookie.value}"


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Lets this process hold a picture."""

    def hold(held: Held) -> Held:
        monkeypatch.setattr(switches, "_held", held)
        return held

    return hold


def forget() -> None:
    for memory in memories():
        memory.clear()


def test_a_memory_keeps_what_was_said_and_no_more_than_its_bound() -> None:
    asked: list[str] = []
    memory = Memory(lambda text: asked.append(text) or text.upper(), 3)
    assert [memory[text] for text in "aabacb"] == list("AABACB")
    assert asked == ["a", "b", "c"]
    assert [memory[text] for text in "defga"] == list("DEFGA")
    assert asked == ["a", "b", "c", "d", "e", "f", "g", "a"]
    assert len(memory) == 2


def test_a_memory_keeps_nothing_long() -> None:
    memory = Memory(str, 3, 5)
    for asked in ("abcde", "abcdef", ("abc", "de", 1_000_000), ("abc", "def"), None):
        assert memory[asked] == str(asked)
    assert set(memory) == {"abcde", ("abc", "de", 1_000_000), None}


def test_a_memory_is_bounded_whoever_asks_at_once() -> None:
    memory = Memory(str, 50)
    wrong: list[int] = []

    def ask(begin: int) -> None:
        numbers = [number % 120 for number in range(begin, begin + 2_000)]
        wrong.extend(number for number in numbers if memory[number] != str(number))

    threads = [threading.Thread(target=ask, args=(begin,)) for begin in range(0, 80, 20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    # One more for each that looked before another had written.
    assert len(memory) <= 50 + len(threads)


def test_every_memory_has_a_bound_and_no_long_key() -> None:
    assert all(0 < memory.most <= 4_096 for memory in memories())
    by_short_keys = [
        legacy_sessions._verified,
        visits._no_page_load,
        decisions._new_session,
        conf().session_cookie_names,
    ]
    unbounded = [memory for memory in memories() if memory.longest is None]
    assert list(map(id, unbounded)) == list(map(id, by_short_keys))


def test_what_is_long_is_answered_and_not_kept() -> None:
    ways = KnownWays(NO_RULES, conf())
    asked = ("/audits", "a=" + "b" * 1000, "GET", CONTOSO.tid, CONTOSO.cloud)
    assert ways[asked].address.endswith("b" * 1000)
    assert len(ways) == 0
    forget()
    long = "x" * 20_000
    environ = environ_of(f"{long}.portal.localhost", f"/{long}", f"a={long}", HTTP_ACCEPT=long)
    del environ["HTTP_SEC_FETCH_MODE"], environ["HTTP_SEC_FETCH_DEST"]
    request = of_environ(environ)
    assert request.cookies == {"a": long}
    assert class_of("GET", environ) is request_class(hints_of("GET", environ))
    visits.visit_at(request, conf(), holding(CONTOSO), NOW)
    legacy_sessions.read(conf(), {legacy_sessions.cookie_name(conf(), CONTOSO.tid): long}, "x")
    visits.visit_at(
        of_environ(environ_of("contoso.portal.localhost", f"/{long}")),
        conf(), holding(CONTOSO), NOW,
    )  # fmt: skip
    # Two short names were asked for besides, and the names of one cookie.
    assert not any(long in str(key) for memory in memories() for key in memory)
    assert len(conf().known_exempt) == len(received_requests._parsed) - 1 == 0


def test_what_is_no_page_load_is_kept_by_host_and_class() -> None:
    def visit(name: str, page: str, mode: str = "navigate") -> visits.Visit:
        environ = environ_of(f"{name}.portal.localhost", page, HTTP_SEC_FETCH_MODE=mode)
        return visits.visit_at(of_environ(environ), conf(), holding(CONTOSO), NOW)

    forget()
    for _ in range(2):
        for name in ("contoso", "fabrikam"):
            found = visit(name, "/api/v1")
            assert found.host is not None
            assert (found.host.tenant, found.decision.reason) == (name, Reason.EXEMPT)
    assert visit("contoso", "/api/v1") is visit("contoso", "/api/v2")
    part = visit("contoso", "/audits", "no-cors")
    assert (part.decision.reason, part.cookies) == (Reason.NOT_PAGE_LOAD, {})


def test_a_visit_has_all_of_its_facts() -> None:
    request = of_environ(environ_of("contoso.portal.localhost"))
    visit = visits.visit_at(request, conf(), holding(CONTOSO), NOW)
    assert {field.name for field in fields(visit) if hasattr(visit, field.name)} == {
        field.name for field in fields(visits.Visit)
    }


def test_other_rules_count_at_once(worker: Any) -> None:
    environ, request = environ_of("contoso.portal.localhost"), of_environ({**environ_of("x")})
    held = worker(holding(CONTOSO))
    before = answered(environ, held)
    rules = RuleSet([LinkRule(1, "exact", "/audits", "/elsewhere")], 1)
    held = worker(holding(CONTOSO, rules=rules))
    assert answered(environ, held) != before
    assert way_of(request, CONTOSO, conf()).address == "http://security.localhost/elsewhere"


def test_another_setting_counts_at_once(worker: Any, settings: Settings) -> None:
    environ, held = environ_of("contoso.portal.localhost"), worker(holding(CONTOSO))
    assert "http://security.localhost/" in str(answered(environ, held))
    settings.REDIRECTION_EXEMPT_PATHS = ["/audits"]
    assert answered(environ, held) == ("exempt",)
    settings.REDIRECTION_EXEMPT_PATHS = []
    settings.REDIRECTION_CLOUDS = {
        "commercial": {"legacy": ["portal.localhost"], "destination": "http://new.localhost"}
    }
    assert "http://new.localhost/" in str(answered(environ, held))


def test_a_tenant_that_changed_counts_at_once(worker: Any) -> None:
    environ, held = environ_of("contoso.portal.localhost"), worker(holding(CONTOSO))
    assert "new_session;revision=41" in str(answered(environ, held))
    held = worker(holding(replace(CONTOSO, on=False, revision=43)))
    assert answered(environ, held) == ("off;revision=43",)


def test_a_key_that_was_taken_away_counts_no_longer(worker: Any, settings: Settings) -> None:
    held = worker(holding(CONTOSO))
    environ = environ_of("contoso.portal.localhost", cookie=session_cookie(CONTOSO))
    assert answered(environ, held) == ("session_continues;revision=41",)
    former, settings.SECRET_KEY = settings.SECRET_KEY, "another-key-known-to-everybody-who-reads"
    assert "new_session" in str(answered(environ, held))
    settings.SECRET_KEY_FALLBACKS = [former]
    assert answered(environ, held) == ("session_continues;revision=41",)


def test_a_session_that_is_kept_still_ends(worker: Any) -> None:
    held = worker(holding(CONTOSO))
    environ = environ_of("contoso.portal.localhost", cookie=session_cookie(CONTOSO))
    assert answered(environ, held) == ("session_continues;revision=41",)
    late = NOW + (conf().session_idle + 1) * 1000
    assert "session_ended" in str(answered(environ, held, late))


SAID: list[dict[str, str]] = [
    {},
    {"HTTP_SEC_PURPOSE": "prefetch"},
    {"HTTP_UPGRADE": "websocket"},
    {"HTTP_X_REQUESTED_WITH": "XMLHttpRequest"},
    {"HTTP_ACCEPT": "text/event-stream"},
    {"HTTP_ACCEPT": "text/html"},
    {"HTTP_SERVICE_WORKER": "script"},
]


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
@pytest.mark.parametrize("more", SAID)
def test_a_class_that_is_kept_belongs_to_all_that_was_said(
    method: str, more: dict[str, str]
) -> None:
    for mode in (None, "navigate", "cors", "no-cors", "websocket"):
        for destination in (None, "document", "empty", "iframe", "worker", "image"):
            said = {"HTTP_SEC_FETCH_MODE": mode, "HTTP_SEC_FETCH_DEST": destination}
            headers = {key: value for key, value in said.items() if value} | more
            wanted = request_class(hints_of(method, headers))
            assert [class_of(method, headers) for _ in range(2)] == [wanted, wanted]


TENANTS = {"contoso.portal.localhost": CONTOSO, "fabrikam.portal.gov.localhost": FABRIKAM}
COOKIES = ["", "contoso", "fabrikam", "both", "swapped"]
TARGETS = ["/audits", "/", "/alerts/5f2a?a=1", f"/?tid={FABRIKAM.tid}", "/api/v1", "/never"]


def cookie_of(kind: str) -> str:
    own, other = session_cookie(CONTOSO), session_cookie(FABRIKAM)
    swapped = f"{own.partition('=')[0]}={other.partition('=')[2]}"
    return {"contoso": own, "fabrikam": other, "both": f"{own}; {other}", "swapped": swapped}.get(
        kind, ""
    )


@given(
    plays=st.lists(
        st.tuples(
            st.sampled_from(list(TENANTS)), st.sampled_from(TARGETS), st.sampled_from(COOKIES)
        ),
        max_size=12,
    )
)
@hypothesis_settings(max_examples=60, deadline=None)
def test_whoever_asked_before_makes_no_difference(plays: list[tuple[str, str, str]]) -> None:
    held = holding(CONTOSO, FABRIKAM)
    environs = [environ_of(host, target, cookie_of(kind)) for host, target, kind in plays]
    forget()
    remembering = [answered(environ, held) for environ in environs]
    for environ, before, (host, target, _) in zip(environs, remembering, plays, strict=True):
        forget()
        assert answered(environ, held) == before
        if "tid=" not in target:
            other = next(tenant for tenant in TENANTS.values() if tenant is not TENANTS[host])
            assert other.tid not in str(before)
