"""Whatever happens to the gate, every request is answered: by what it last said, or the portal."""

from __future__ import annotations

import itertools
import os
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from http import HTTPStatus
from pathlib import Path

import pytest

from tests.proxies import (
    PAGE_LOAD as HEADERS,
    PATIENCE,
    PROXIES,
    TENANTS,
    Proxy,
    Site,
    proxy,
    request,
    site_and_portal,
)
from tests.proxies_load import Judge, Load, load

# A browser that has been here before: nothing has to be remembered any more.
BEEN_HERE = {name: f"__Secure-legacy_tenant={tid}" for name, tid in TENANTS.items()}
KEEPS_ANSWERS = {"nginx"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Contoso is redirected, fabrikam is not."""
    with site_and_portal(tmp_path_factory.mktemp("site")) as site:
        yield site


@pytest.fixture(params=sorted(PROXIES))
def front(request: pytest.FixtureRequest, site: Site, tmp_path: Path) -> Iterator[Proxy]:
    """A proxy just started, whose gate works; whatever a test does to the gate is over then."""
    with proxy(request.param, site, tmp_path) as found:
        yield found
    site.send(signal.SIGCONT)
    if not site.is_running:
        site.start()
        site.wait_until_ready()


def page(front: Proxy, tenant: str, number: int, cookie: str = "") -> tuple[bytes, Judge]:
    """A page load of ``tenant`` and what must not be in the answer to it."""
    headers = {**HEADERS, "Cookie": cookie or f"{BEEN_HERE[tenant]}; portal={number}"}
    lines = [f"Host: {front.host(tenant)}", *(f"{name}: {headers[name]}" for name in headers)]
    sent = request("GET", f"/alerts?page={number}", lines)
    sent = sent.replace(b"Connection: close\r\n", b"")
    mine, others = tenant, next(other for other in TENANTS if other != tenant)

    def judge(status: int, head: bytes, body: bytes) -> str:
        if status not in (HTTPStatus.OK, HTTPStatus.FOUND):
            return f"status {status}"
        crossed = (others, TENANTS[others], TENANTS[others].replace("-", ""))
        if any(word.encode() in head + body for word in crossed):
            return f"an answer of {others} for {mine}"
        if status == HTTPStatus.FOUND:
            [location] = re.findall(rb"(?i)\r\nlocation: (.*)\r\n", head)
            if mine != "contoso" or f"page={number}".encode() not in location.replace(b"%3D", b"="):
                return f"{mine} goes to {location!r}"
        elif f"portal of {mine}.".encode() not in body:
            return "no page of the portal"
        return ""

    return sent, judge


def both_tenants(front: Proxy, count: int) -> Iterator[tuple[bytes, Judge]]:
    """Page loads of both tenants in turn; every page is asked for again and again."""
    for number in range(count):
        yield page(front, ("contoso", "fabrikam")[number % 2], number // 2 % 20)


def until(front: Proxy, done: threading.Event) -> Iterator[tuple[bytes, Judge]]:
    """Page loads of both tenants until something is done."""
    numbers = itertools.count()
    while not done.is_set():
        number = next(numbers)
        yield page(front, ("contoso", "fabrikam")[number % 2], number // 2 % 20)


def under_load(front: Proxy, meanwhile: Callable[[], None]) -> Load:
    done = threading.Event()

    def and_done() -> None:
        try:
            meanwhile()
        finally:
            done.set()

    return load(front.port, front.site.tls, until(front, done), meanwhile=and_done)


def assert_nobody_noticed(found: Load) -> None:
    assert not found.wrong
    assert found.slowest < PATIENCE
    assert sum(found.kinds.values()) == len(found.seconds) > 50


def break_gate(site: Site, how: str) -> None:
    if how == "killed":
        site.stop()
    else:
        site.freeze()


@pytest.mark.parametrize("how", ["killed", "hung"])
def test_without_a_gate_the_portal_answers_a_browser_never_seen(front: Proxy, how: str) -> None:
    break_gate(front.site, how)

    for _ in range(5):
        answer = front.ask("/alerts")
        assert answer.status == HTTPStatus.OK
        assert b"This is the portal of contoso" in answer.body
        assert answer.seconds < PATIENCE


@pytest.mark.parametrize("how", ["killed", "hung"])
def test_a_body_arrives_without_a_gate(front: Proxy, how: str) -> None:
    break_gate(front.site, how)

    answer = front.ask("/save", method="POST", body=b"a" * 300_000)

    assert (answer.status, answer.saw["body"][0]) == (HTTPStatus.SEE_OTHER, 300_000)
    assert answer.seconds < PATIENCE


@pytest.mark.parametrize("how", ["killed", "hung"])
def test_what_the_gate_last_said_counts(front: Proxy, how: str) -> None:
    cookie = BEEN_HERE["contoso"]
    before = front.ask(f"/alerts?{how}", Cookie=cookie)
    assert before.status == HTTPStatus.FOUND

    break_gate(front.site, how)
    after = front.ask(f"/alerts?{how}", Cookie=cookie)
    other = {
        "another page": front.ask("/alerts?other", Cookie=cookie),
        "another session": front.ask(f"/alerts?{how}", Cookie=f"{cookie}; portal=1"),
        "another tenant": front.ask(f"/alerts?{how}", host="fabrikam", Cookie=cookie),
        "another method": front.ask(f"/alerts?{how}", method="POST", Cookie=cookie),
        "no page load": front.ask(f"/alerts?{how}", Sec_Fetch_Mode="cors", Cookie=cookie),
        "sent back": front.ask(f"/alerts?{how}", Referer=front.site.destination, Cookie=cookie),
        "a prefetch": front.ask(f"/alerts?{how}", Sec_Purpose="prefetch", Cookie=cookie),
    }

    if front.name in KEEPS_ANSWERS:
        assert after.status == HTTPStatus.FOUND
        assert after.get("Location") == before.get("Location")
        assert after.get("Redirection-Decision") == f"{before.get('Redirection-Decision')};stale"
    else:
        assert after.status == HTTPStatus.OK
    assert {why: answer.status for why, answer in other.items()} == dict.fromkeys(
        other, HTTPStatus.OK
    )


def test_an_answer_with_a_cookie_is_never_given_again(front: Proxy) -> None:
    first = front.ask("/alerts?cookie", host="fabrikam")
    assert len(first.all("Set-Cookie")) == 2

    front.site.stop()

    assert not front.ask("/alerts?cookie", host="fabrikam").all("Set-Cookie")


def test_a_proxy_that_starts_without_a_gate_serves(front: Proxy) -> None:
    cookie = BEEN_HERE["contoso"]
    before = front.ask("/alerts?restart", Cookie=cookie)
    front.site.stop()
    front.stop()
    front.start()

    after = front.ask("/alerts?restart", Cookie=cookie)
    assert after.status == (before.status if front.name in KEEPS_ANSWERS else HTTPStatus.OK)
    assert front.ask("/alerts", host="fabrikam").status == HTTPStatus.OK


def test_a_gate_that_knows_another_key_lets_everything_through(front: Proxy) -> None:
    site = front.site
    site.stop()
    key = site.variables["REDIRECTION_GATE_KEY"]
    site.variables["REDIRECTION_GATE_KEY"] = key[::-1]
    try:
        site.start()
        answers = [front.ask("/alerts?other-key") for _ in range(3)]
    finally:
        site.variables["REDIRECTION_GATE_KEY"] = key
        site.stop()

    assert {answer.status for answer in answers} == {HTTPStatus.OK}


def test_a_gate_that_is_switched_off_lets_everything_through(front: Proxy) -> None:
    site = front.site
    site.stop()
    key = site.variables.pop("REDIRECTION_GATE_KEY")
    try:
        site.start()
        answers = [front.ask("/alerts?no-key") for _ in range(3)]
    finally:
        site.variables["REDIRECTION_GATE_KEY"] = key
        site.stop()

    assert {answer.status for answer in answers} == {HTTPStatus.OK}


@pytest.mark.parametrize("seconds", [1.0, pytest.param(10.0, marks=pytest.mark.long)])
def test_nobody_notices_a_gate_that_is_killed_and_restarted(front: Proxy, seconds: float) -> None:
    def meanwhile() -> None:
        time.sleep(seconds / 4)
        front.site.stop()
        time.sleep(seconds)
        front.site.start()
        time.sleep(seconds)

    assert_nobody_noticed(under_load(front, meanwhile))


@pytest.mark.parametrize("seconds", [2.5, pytest.param(15.0, marks=pytest.mark.long)])
def test_nobody_waits_long_for_a_gate_that_hangs(front: Proxy, seconds: float) -> None:
    def meanwhile() -> None:
        time.sleep(0.3)
        front.site.freeze()
        time.sleep(seconds)
        front.site.send(signal.SIGCONT)
        time.sleep(0.3)

    assert_nobody_noticed(under_load(front, meanwhile))


@pytest.mark.parametrize("requests", [1_000, pytest.param(10_000, marks=pytest.mark.long)])
@pytest.mark.parametrize("gate", ["there", "gone"])
def test_no_answer_is_ever_that_of_the_other_tenant(front: Proxy, requests: int, gate: str) -> None:
    # Each page was asked for before, so that there is an answer to every one.
    load(front.port, front.site.tls, both_tenants(front, 40))
    if gate == "gone":
        front.site.stop()

    found = load(front.port, front.site.tls, both_tenants(front, requests), connections=32)

    assert not found.wrong
    assert sum(found.kinds.values()) == requests
    if gate == "there" or front.name in KEEPS_ANSWERS:
        assert found.kinds == {"302": requests // 2, "200": requests // 2}
    else:
        assert found.kinds == {"200": requests}


def test_cookies_of_both_tenants_never_mix(front: Proxy) -> None:
    """Browsers that come for the first time get a cookie each, of their own tenant."""

    def first_visits() -> Iterator[tuple[bytes, Judge]]:
        for number in range(400):
            tenant = ("contoso", "fabrikam")[number % 2]
            yield page(front, tenant, number % 10, cookie=f"portal={number}")

    assert not load(front.port, front.site.tls, first_visits()).wrong


def test_nginx_takes_a_new_configuration_under_load(site: Site, tmp_path: Path) -> None:
    with proxy("nginx", site, tmp_path) as front:
        assert_nobody_noticed(under_load(front, lambda: reload_thrice(front)))


def reload_thrice(front: Proxy) -> None:
    for _ in range(3):
        time.sleep(0.3)
        assert front.process is not None
        os.kill(front.process.pid, signal.SIGHUP)
    time.sleep(0.3)


def test_the_gate_reloads_and_every_redirect_is_given(site: Site, tmp_path: Path) -> None:
    """What deploy/systemd does on reload: the new worker decides before the old one is gone."""

    def reload_gate() -> None:
        time.sleep(0.5)
        assert site.process is not None
        os.kill(site.process.pid, signal.SIGHUP)
        time.sleep(8)

    _, *before = site.processes
    with proxy("nginx", site, tmp_path) as front:
        found = under_load(front, reload_gate)

    assert_nobody_noticed(found)
    assert before
    assert not set(before) & set(site.processes[1:])
    # The last request of the two tenants may be that of one.
    assert abs(found.kinds["302"] - found.kinds["200"]) <= 1
