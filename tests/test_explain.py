"""An explanation says what the real middleware answers, and why."""

from __future__ import annotations

import datetime as dt
import itertools
from typing import Any

import pytest
import time_machine
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from hypothesis import HealthCheck, example, given, settings as how, strategies as st
from pytest_django import Settings

from redirection import decisions, legacy_sessions, switches, traffic
from redirection.answers import HEADER
from redirection.conf import conf
from redirection.decisions import LegacySession, Reason
from redirection.explanations import Explanation, Question, explain
from redirection.middleware import RedirectionMiddleware
from redirection.models import Channel, SessionMark, Tenant, Traffic
from redirection.past_states import state_at
from redirection.pasted_links import NotALink, PastedLink, pasted_link
from redirection.pasted_sessions import Signature
from redirection.request_classes import RequestClass
from redirection.visitors import KINDS, Brings, Kind, Visitor
from tests.conftest import Switch

HOST = "contoso.portal.localhost"
DAY = dt.datetime(2026, 1, 5, tzinfo=dt.UTC)
ORIGIN = "http://security.localhost"


def at(hour: int, minute: int = 0) -> dt.datetime:
    return DAY + dt.timedelta(hours=hour, minutes=minute)


def asked(
    address: str, when: dt.datetime | None = None, visitor: Visitor = Visitor.NEW, **more: Any
) -> Explanation:
    link = pasted_link(address)
    if not link.host:
        link = PastedLink(HOST, link.path, link.query, link.fragment)
    return explain(Question(link, when or dt.datetime.now(dt.UTC), visitor, **more))


def reason(found: Explanation) -> Reason:
    return found.visit.decision.reason


@pytest.fixture
def year(switch: Switch, db: None) -> Tenant:
    """Contoso: added at 8:00, on at 10:00, off at 12:00, disabled at 14:00, forced at 16:00."""
    with time_machine.travel(at(8), tick=False):
        tenant = Tenant(tid="11111111-1111-4111-8111-111111111111", name="contoso", title="Contoso")
        tenant.provision(reason="New", channel=Channel.COMMAND, operator="Olga")
    with time_machine.travel(at(10), tick=False):
        switch(tenant, "on")
    with time_machine.travel(at(12), tick=False):
        switch(tenant, "off")
    with time_machine.travel(at(14), tick=False):
        tenant.enabled = False
        tenant.provision(reason="Unpaid", channel=Channel.ADMIN, operator="Olga")
    with time_machine.travel(at(16), tick=False):
        tenant.change_stage(
            "forced", reason_kind="planned", reason="June", channel="command", operator="Olga"
        )
    return tenant


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("when", "expected"),
    [
        (at(7, 59), (Reason.UNKNOWN_TENANT, None, None, None)),
        (at(8), (Reason.OFF, 1, at(8), None)),
        (at(9, 59), (Reason.OFF, 1, at(8), None)),
        (at(10), (Reason.NEW_SESSION, 2, at(10), 2)),
        (at(12), (Reason.OFF, 3, at(12), 3)),
        (at(14), (Reason.UNKNOWN_TENANT, 4, at(12), 3)),
        (at(16), (Reason.UNKNOWN_TENANT, 5, at(16), 5)),
    ],
)
def test_the_setting_is_the_one_of_that_time(
    when: dt.datetime, expected: tuple[Any, ...], year: Tenant
) -> None:
    found = asked("/audits", when)
    state = found.state
    assert found.too_early is (when < at(8))
    assert (
        reason(found),
        state and state.row.revision,
        state and state.row.since,
        state and state.switch and state.switch.revision,
    ) == expected
    if state is not None:
        assert state.change.at <= when
        assert state.row.enabled is (when < at(14))


def test_a_default_that_nobody_switched_is_known_from_the_history(db: None) -> None:
    with time_machine.travel(at(8), tick=False):
        tenant = Tenant(tid="11111111-1111-4111-8111-111111111111", name="contoso", title="C")
        tenant.provision(reason="New", channel="command", operator="Olga")
    with time_machine.travel(at(9), tick=False):
        tenant.change_stage(
            "opt_out", reason_kind="planned", reason="July", channel="command", operator="Olga"
        )
    before, after = asked("/", at(8, 30)).state, asked("/", at(9)).state
    assert before
    assert (before.row.is_on, before.row.stage, before.switch) == (False, "opt_in", None)
    assert after
    assert after.switch
    assert (after.row.is_on, after.switch.what) == (True, "stage")


def test_the_present_is_what_the_workers_hold(contoso: Tenant, switch: Switch) -> None:
    switch(contoso, "on")
    switch(contoso, "off")
    contoso.switch_step_back(
        "on", 30, reason_kind="trial", reason="x", channel="command", operator="Olga"
    )
    switches.refresh()
    state = asked("/").state
    assert state
    assert state.row.as_held() == switches.held().by_tid[str(contoso.tid)]


def test_the_moment_of_the_last_switch_is_the_one_that_workers_hold(year: Tenant) -> None:
    # A history row is written a moment after the switch it tells of.
    moved = at(16) - dt.timedelta(milliseconds=7)
    Tenant.objects.update(since=moved)
    now, before = asked("/", at(17)).state, asked("/", at(11)).state
    assert now
    assert before
    assert (now.row.since, before.row.since) == (moved, at(10))


def test_whether_people_could_step_back_is_that_of_the_time(db: None) -> None:
    moments = {9: ("on", 30), 10: ("on", 45), 12: ("off", None), 14: ("on", 60)}
    with time_machine.travel(at(8), tick=False):
        contoso = Tenant(tid="11111111-1111-4111-8111-111111111111", name="contoso", title="C")
        contoso.provision(reason="New", channel="command", operator="Olga")
    for hour, (wanted, minutes) in moments.items():
        with time_machine.travel(at(hour), tick=False):
            contoso.switch_step_back(
                wanted, minutes, reason_kind="trial", reason="x", channel="command", operator="Olga"
            )
    # The row's own moment is a moment before the history's.
    last = at(14) - dt.timedelta(milliseconds=7)
    Tenant.objects.update(step_back_since=last)

    def held(hour: int) -> tuple[bool, int, dt.datetime | None]:
        state = state_at(Tenant.objects.get(), at(hour, 30))
        assert state
        # What nobody chose yet had a default, which no history tells.
        minutes = state.row.step_back_minutes if hour > 8 else 0
        return state.row.allow_step_back, minutes, state.row.step_back_since

    assert [held(hour) for hour in (8, 9, 10, 12, 14)] == [
        (False, 0, None),
        (True, 30, at(9)),
        # Other minutes end nothing.
        (True, 45, at(9)),
        (False, 45, at(9)),
        (True, 60, last),
    ]


def test_what_is_never_moved_is_told_of_the_tenant_it_names(
    contoso: Tenant, fabrikam: Tenant
) -> None:
    for address, name in (("/", "contoso"), (f"/?tid={fabrikam.tid}", "fabrikam")):
        found = asked(address, None, Visitor.IMAGE)
        assert found.visit.tenant is None
        assert found.state
        assert found.state.row.name == name


def test_who_is_at_work_has_a_session_from_before_the_switch(year: Tenant) -> None:
    found = asked("/audits", at(10, 30), Visitor.RUNNING)
    assert reason(found) is Reason.SESSION_CONTINUES
    held = found.session.held
    assert held is not None
    assert (found.session.runs, held.seen) == (True, int(at(10, 30).timestamp() * 1000))
    assert found.session.until == int(at(11, 30).timestamp() * 1000)
    assert asked("/", at(10, 30), Visitor.NEW_TAB).by_script
    assert reason(asked("/", at(10, 30), Visitor.ENDED)) is Reason.SESSION_ENDED
    assert reason(asked("/", at(10, 30), Visitor.FORM)) is Reason.NOT_PAGE_LOAD


def test_a_step_back_counts_where_it_was_allowed(contoso: Tenant, switch: Switch) -> None:
    switch(contoso, "on")
    assert reason(asked("/", None, Visitor.STEPPED_BACK)) is Reason.NEW_SESSION
    contoso.switch_step_back(
        "on", 30, reason_kind="trial", reason="x", channel="command", operator="Olga"
    )
    found = asked("/", None, Visitor.STEPPED_BACK)
    assert reason(found) is Reason.STEPPED_BACK
    running = found.visit.step_back
    assert running is not None
    assert running.until - found.visit.now == 30 * 60_000


def test_the_bare_domain_takes_the_tenant_visited_last(contoso: Tenant, fabrikam: Tenant) -> None:
    bare = "http://portal.localhost/audits"
    assert reason(asked(bare)) is Reason.UNKNOWN_TENANT
    for address, name in ((bare, "contoso"), (f"{bare}?tid={fabrikam.tid}", "fabrikam")):
        visited = asked(address, tenant=contoso).visit.tenant
        assert visited
        assert visited.name == name


def test_the_exempt_path_is_named(contoso: Tenant) -> None:
    assert asked("/api").exempt_path == "/api/"
    assert asked("/api/v1/x").exempt_path == "/api/"
    assert asked("/apis").exempt_path == ""
    assert asked("/api/v1/x").arrival is None


def test_no_cookie_is_told(contoso: Tenant) -> None:
    found = asked("/")
    told = [value for name, value in found.headers if name == "Set-Cookie"]
    assert [value.partition(";")[0] for value in told] == [
        "legacy_tenant=…",
        f"legacy_session_{contoso.tid.hex}=…",
    ]


# --- A cookie that somebody pastes ---


def cookie(tenant: Tenant, started: dt.datetime, seen: dt.datetime) -> tuple[str, str]:
    session = LegacySession(str(tenant.tid), _ms(started), _ms(seen))
    response = HttpResponse()
    legacy_sessions.write(conf(), response, session, "")
    name, morsel = next(iter(response.cookies.items()))
    return name, morsel.value


def _ms(moment: dt.datetime) -> int:
    return int(moment.timestamp() * 1000)


def test_a_pasted_cookie_is_the_session(year: Tenant) -> None:
    name, value = cookie(year, at(9), at(10, 15))
    for text in (value, f"{name}={value}", f" {name}={value}; "):
        found = asked("/", at(10, 30), cookie=text)
        assert reason(found) is Reason.SESSION_CONTINUES
        assert found.session.until == _ms(at(11, 15))
        assert found.session.pasted
        assert found.session.pasted.signature is Signature.CURRENT
    assert reason(asked("/", at(11, 30), cookie=value)) is Reason.SESSION_ENDED


def test_a_former_key_is_told_from_the_one_in_use(year: Tenant, settings: Settings) -> None:
    _, value = cookie(year, at(9), at(10, 15))
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another-secret-key-that-is-long-enough-for-a-test-of-rotation"
    found = asked("/", at(10, 30), cookie=value)
    assert found.session.pasted
    assert found.session.pasted.signature is Signature.FALLBACK
    assert reason(found) is Reason.SESSION_CONTINUES
    settings.SECRET_KEY_FALLBACKS = []
    found = asked("/", at(10, 30), cookie=value)
    assert found.session.pasted
    assert found.session.pasted.signature is Signature.NOT_OURS
    assert (reason(found), found.session.held) == (Reason.NEW_SESSION, None)


def test_another_tenants_cookie_does_not_count(year: Tenant, fabrikam: Tenant) -> None:
    name, value = cookie(fabrikam, at(9), at(10, 15))
    found = asked("/", at(10, 30), cookie=f"{name}={value}")
    assert reason(found) is Reason.NEW_SESSION
    assert found.session.pasted
    assert found.session.pasted.tid == str(fabrikam.tid)
    assert reason(asked("/", at(10, 30), cookie=value)) is Reason.NEW_SESSION


@pytest.mark.parametrize(
    "text", ["x", "=", "a=b", "é.é.é", "0.0.", "legacy_session_x=1", "1" * 500]
)
def test_what_is_no_cookie_is_no_session(text: str, contoso: Tenant) -> None:
    found = asked("/", cookie=text)
    assert found.session.pasted
    assert found.session.pasted.signature is Signature.NOT_OURS
    assert text not in repr(found.session.pasted)


# --- The same as the real thing ---

SEGMENTS = st.sampled_from([
    "audits", "alerts", "5f2a", "users", "api", "api/", "//evil.example", "%2e%2e", "..", "@x", "é",
    "%00", "\\", "settings/about", "nobody", "policy", "static", "security-configuration",
])  # fmt: skip
QUERIES = st.sampled_from([
    "", "?", "?x=1", "?tid=11111111-1111-4111-8111-111111111111", "?tid=nobody&x=%ff",
    "?tid=22222222-2222-4222-8222-222222222222", "?q=" + "[" * 6000,
])  # fmt: skip
HOSTS = st.sampled_from([
    HOST, HOST.upper(), "contoso.us2.portal.localhost:8000", "fabrikam.portal.localhost",
    "portal.localhost", "nobody.portal.localhost", "security.localhost", "evil.example",
    "a..portal.localhost", "contoso.old.localhost",
])  # fmt: skip
URLS = st.builds(
    lambda host, path, query, fragment: f"http://{host}/{'/'.join(path)}{query}{fragment}",
    HOSTS, st.lists(SEGMENTS, max_size=3), QUERIES, st.sampled_from(["", "#top", "#/alerts/1"]),
)  # fmt: skip
HEADERS = st.lists(
    st.sampled_from([
        ("Sec-Purpose", "prefetch"), ("Sec-Fetch-Dest", "iframe"), ("Sec-Fetch-Dest", "empty"),
        ("Accept", "*/*"),
        ("Sec-Fetch-Mode", ""), ("X-Requested-With", "XMLHttpRequest"), ("Upgrade", "websocket"),
        ("Referer", "http://security.localhost/x"), ("Sec-Fetch-Site", "cross-site"),
        ("Content-Type", "multipart/form-data"), ("Service-Worker", "script"),
    ]),
    max_size=3,
).map(tuple)  # fmt: skip
METHODS = st.sampled_from(["", "HEAD", "POST", "OPTIONS", "GET", "BREW"])
# Off at first, on since 10:00, off again since 12:00.
TIMES = st.integers(8 * 60, 14 * 60).map(lambda minutes: DAY + dt.timedelta(minutes=minutes))


def case(when: dt.datetime, **more: Any) -> dict[str, Any]:
    """One case, as the strategies make them."""
    usual = {"url": f"http://{HOST}/", "visitor": Visitor.NEW, "method": "", "headers": ()}
    return {**usual, "when": when, "known": True, **more}


def really_answered(found: Explanation) -> HttpResponse:
    """What a worker answers to the same request, with the same cookies, at the same time."""
    question = found.question
    kind, link = KINDS[question.visitor], question.link
    headers = {name.lower(): value for name, value in kind.headers.items()}
    headers |= {name.lower(): value for name, value in question.headers}
    path = found.request.get_full_path()
    request = RequestFactory().generic(
        question.method or kind.method, "/", headers={**headers, "host": link.host}
    )
    # Addresses of a browser, not of a test client, which resolves "//".
    for name in ("PATH_INFO", "QUERY_STRING"):
        request.META[name] = found.request.META[name]
    request.path = found.request.path
    request.path_info = found.request.path_info
    assert request.get_full_path() == path
    request.META.pop("CONTENT_TYPE", None)
    if "content-type" in headers:
        request.META["CONTENT_TYPE"] = headers["content-type"]
    request.COOKIES.update(found.request.COOKIES)
    with time_machine.travel(question.at, tick=False):
        response = RedirectionMiddleware(served)(request)
    assert isinstance(response, HttpResponse)
    return response


def served(request: HttpRequest) -> HttpResponse:
    return HttpResponse("the legacy page")


@given(
    url=URLS,
    visitor=st.sampled_from(Visitor),
    when=TIMES,
    method=METHODS,
    headers=HEADERS,
    known=st.booleans(),
)
# Begins a session without being a page load for sure.
@example(**case(at(9), headers=(("Sec-Fetch-Dest", "empty"),)))
# Sent back by the destination.
@example(**case(at(11), headers=(("Sec-Fetch-Site", "cross-site"),)))
@example(**case(at(11), visitor=Visitor.RUNNING))
@example(**case(at(11), visitor=Visitor.ENDED, method="HEAD", url="http://portal.localhost/a"))
@how(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_it_agrees_with_the_real_answer(
    url: str,
    visitor: Visitor,
    when: dt.datetime,
    method: str,
    headers: tuple[tuple[str, str], ...],
    known: bool,
    both: Tenant,
) -> None:
    found = explain(
        Question(pasted_link(url), when, visitor, both if known else None, method, headers)
    )
    held = switches.Held(0).with_changes(0, states_at(when))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(switches, "_held", held)
        answer = really_answered(found)
    assert_agreed(found, answer)


def assert_agreed(found: Explanation, answer: HttpResponse) -> None:
    told = dict(found.headers)
    assert told.get(HEADER) == answer.get(HEADER)
    assert told.get("Location") == answer.get("Location")
    assert told.get("Cache-Control") == answer.get("Cache-Control")
    assert {name for name, _ in cookies_of(found)} == set(answer.cookies)
    assert (found.status or 200) == answer.status_code
    assert (found.status is None) is (answer.content == b"the legacy page")


def cookies_of(found: Explanation) -> list[tuple[str, str]]:
    values = [value for name, value in found.headers if name == "Set-Cookie"]
    return [(value.partition("=")[0], value) for value in values]


def states_at(when: dt.datetime) -> list[tuple[decisions.Tenant, bool]]:
    """What a worker held at that time."""
    states = [state_at(tenant, when) for tenant in Tenant.objects.all()]
    return [(state.row.as_held(), state.row.enabled) for state in states if state]


@pytest.fixture
def allowed(switch: Switch, db: None) -> Tenant:
    """Contoso, on since 10:00; its people may step back."""
    with time_machine.travel(at(8), tick=False):
        tenant = Tenant(tid="11111111-1111-4111-8111-111111111111", name="contoso", title="C")
        tenant.provision(reason="New", channel="command", operator="Olga")
        tenant.switch_step_back(
            "on", 30, reason_kind="trial", reason="x", channel="command", operator="Olga"
        )
    with time_machine.travel(at(10), tick=False):
        switch(tenant, "on")
    return tenant


@pytest.fixture
def both(switch: Switch, db: None) -> Tenant:
    """Contoso, on from 10:00 to 12:00, and fabrikam, which never was."""
    tids = {"contoso": "11111111-1111-4111-8111-111111111111",
            "fabrikam": "22222222-2222-4222-8222-222222222222"}  # fmt: skip
    with time_machine.travel(at(8), tick=False):
        for name, tid in tids.items():
            tenant = Tenant(tid=tid, name=name, title=name.title())
            tenant.provision(reason="New", channel="command", operator="Olga")
    tenant = Tenant.objects.get(name="contoso")
    with time_machine.travel(at(10), tick=False):
        switch(tenant, "on")
    with time_machine.travel(at(12), tick=False):
        switch(tenant, "off")
    return tenant


# One request of every class: method and headers.
_HTML = {"Accept": "text/html,*/*;q=0.8"}
_PAGE = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", **_HTML}
_CALL = {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty", "Accept": "*/*"}
REQUESTS: dict[RequestClass, tuple[str, dict[str, str]]] = {
    RequestClass.PAGE_LOAD: ("GET", _PAGE),
    RequestClass.OLD_BROWSER: ("GET", _HTML),
    RequestClass.COMMAND_LINE: ("GET", {"Accept": "*/*"}),
    RequestClass.HEAD: ("HEAD", _PAGE),
    RequestClass.AHEAD_OF_TIME: ("GET", _PAGE | {"Sec-Purpose": "prefetch"}),
    RequestClass.PASSED_ON: ("GET", _PAGE | {"Sec-Fetch-Dest": "empty"}),
    RequestClass.EMBEDDED: ("GET", _PAGE | {"Sec-Fetch-Dest": "iframe"}),
    RequestClass.FORM_POST: ("POST", _PAGE),
    RequestClass.UPLOAD: ("POST", _PAGE | {"Content-Type": "multipart/form-data"}),
    RequestClass.FETCH: ("GET", _CALL),
    RequestClass.EVENT_STREAM: ("GET", _CALL | {"Accept": "text/event-stream"}),
    RequestClass.WEB_SOCKET: ("GET", {"Sec-Fetch-Mode": "websocket", "Upgrade": "websocket"}),
    RequestClass.WORKER_SCRIPT: ("GET", _CALL | {"Sec-Fetch-Dest": "serviceworker"}),
    RequestClass.SUBRESOURCE: ("GET", _CALL | {"Sec-Fetch-Dest": "image"}),
    RequestClass.API_CLIENT: ("GET", {"Accept": "application/json"}),
    RequestClass.OTHER_METHOD: ("OPTIONS", _PAGE),
}
MOVED = {
    RequestClass.PAGE_LOAD, RequestClass.OLD_BROWSER, RequestClass.COMMAND_LINE, RequestClass.HEAD,
}  # fmt: skip


def by_hand(kind: RequestClass, when: dt.datetime, brings: Brings) -> int | None:
    """The status on a page of contoso; None where the legacy portal answers."""
    moves = when >= at(10) and brings in (Brings.NONE, Brings.ENDED)
    if kind is RequestClass.AHEAD_OF_TIME:
        # While it is off, only a session that runs need not begin.
        begins = when < at(10) and brings is not Brings.RUNNING
        return 503 if moves or begins else None
    return 302 if moves and kind in MOVED else None


@pytest.mark.parametrize("kind", RequestClass)
def test_it_agrees_with_the_real_answer_for_every_class_of_requests_in_every_state(
    kind: RequestClass, allowed: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    method, headers = REQUESTS[kind]
    for when, brings in itertools.product((at(9), at(11)), Brings):
        monkeypatch.setitem(KINDS, Visitor.NEW, Kind(method, headers, brings))
        monkeypatch.setattr(switches, "_held", switches.Held(0).with_changes(0, states_at(when)))
        for host, path, more in (
            (HOST, "/audits", ()),
            (HOST, "/", (("Sec-Fetch-Site", "cross-site"),)),
            (HOST, "/api/v1", ()),
            ("nobody.portal.localhost", "/", ()),
            ("security.localhost", "/", ()),
        ):
            link = pasted_link(f"http://{host}{path}")
            found = explain(Question(link, when, Visitor.NEW, None, "", more))
            assert_agreed(found, really_answered(found))
            assert found.request_class is kind
            if path == "/audits":
                assert found.status == by_hand(kind, when, brings), (when, brings)


@given(url=st.text(max_size=60), visitor=st.sampled_from(Visitor), when=st.datetimes())
@how(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_address_visitor_or_time_breaks_it(
    url: str, visitor: Visitor, when: dt.datetime, contoso: Tenant
) -> None:
    try:
        link = pasted_link(url)
    except NotALink:
        return
    host = link.host or HOST
    question = Question(
        PastedLink(host, link.path, link.query, link.fragment),
        when.replace(tzinfo=dt.UTC),
        visitor,
        contoso,
    )
    assert explain(question).visit.decision.reason in list(Reason)


def test_nothing_is_counted_or_stored(contoso: Tenant, switch: Switch) -> None:
    switch(contoso, "on")
    traffic.forget()
    for visitor in Visitor:
        asked("/audits", None, visitor)
    switch(contoso, "off")
    for visitor in Visitor:
        asked("/audits", None, visitor)
    traffic.write()
    assert Traffic.objects.count() == SessionMark.objects.count() == 0
