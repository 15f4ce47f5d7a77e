"""Whatever happens to the gate or the proxy, nobody who loads pages notices."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from http import HTTPStatus
from pathlib import Path

import pytest

from tests.proxies import PROXIES, Proxy, proxy
from tests.proxies_load import Judge, load
from tests.proxies_shared import new_fronts, own_gate
from tests.proxies_site import Site
from tests.proxies_visitors import BEEN_HERE, KEEPS_ANSWERS, both_tenants, page, under_load

# Seconds that each connection rests after an answer, where a test is no long one.
UNHURRIED = 0.1


def test_a_proxy_that_starts_without_a_gate_serves(proxied_site: Site, tmp_path: Path) -> None:
    with own_gate(proxied_site) as site, new_fronts(site, tmp_path) as fronts:
        asked = {"target": "/alerts?restart", "Cookie": BEEN_HERE["contoso"]}
        before = {name: front.ask(**asked).status for name, front in fronts.items()}
        site.stop()
        for front in fronts.values():
            front.stop()
            front.start()
        after = {name: front.ask(**asked).status for name, front in fronts.items()}
        other = {front.ask("/alerts", host="fabrikam").status for front in fronts.values()}

    assert before == dict.fromkeys(PROXIES, HTTPStatus.FOUND)
    assert after == {**dict.fromkeys(PROXIES, 200), **dict.fromkeys(KEEPS_ANSWERS, 302)}
    assert other == {HTTPStatus.OK}


@pytest.mark.parametrize("key", ["another-key-of-the-gate-of-32-letters", ""])
def test_a_gate_that_knows_another_key_or_none_lets_everything_through(
    proxied_site: Site, tmp_path: Path, key: str
) -> None:
    with (
        own_gate(proxied_site, REDIRECTION_GATE_KEY=key) as site,
        new_fronts(site, tmp_path) as fronts,
    ):
        answers = [front.ask("/alerts") for front in fronts.values() for _ in range(3)]

    assert {answer.status for answer in answers} == {HTTPStatus.OK}


def test_a_gate_that_knows_nothing_yet_is_no_answer_and_no_failure(
    proxied_site: Site, tmp_path: Path
) -> None:
    """It takes nothing away from what was known, and decides as soon as it can."""
    asked = {"target": "/alerts?knows-nothing", "Cookie": BEEN_HERE["contoso"]}
    with own_gate(proxied_site) as site, new_fronts(site, tmp_path) as fronts:
        before = {name: front.ask(**asked).status for name, front in fronts.items()}
        site.stop()
        store = site.variables.pop("DATABASE_URL")
        site.variables["DATABASE_URL"] = f"sqlite:///{tmp_path}/no/such/folder"
        site.start()
        site.wait_until_there()
        rounds = [
            {name: front.ask(**asked).status for name, front in fronts.items()} for _ in range(4)
        ]
        site.stop()
        site.variables["DATABASE_URL"] = store
        site.start()
        site.wait_until_ready()
        after = {name: front.ask("/alerts?now").status for name, front in fronts.items()}

    assert before == dict.fromkeys(PROXIES, HTTPStatus.FOUND)
    assert rounds == [{**dict.fromkeys(PROXIES, 200), **dict.fromkeys(KEEPS_ANSWERS, 302)}] * 4
    assert after == dict.fromkeys(PROXIES, HTTPStatus.FOUND)


def killed_and_restarted(site: Site, seconds: float) -> None:
    time.sleep(seconds / 4)
    site.stop()
    time.sleep(seconds)
    site.start()
    time.sleep(seconds)


def hung(site: Site, seconds: float) -> None:
    time.sleep(0.3)
    site.freeze()
    time.sleep(2.5 * seconds)
    site.send(signal.SIGCONT)
    time.sleep(0.3)


@pytest.mark.parametrize("happens", [killed_and_restarted, hung])
def test_nobody_notices_what_happens_to_the_gate(
    proxied_site: Site, tmp_path: Path, happens: Callable[[Site, float], None]
) -> None:
    with own_gate(proxied_site) as site, new_fronts(site, tmp_path) as fronts:
        under_load(fronts.values(), lambda: happens(site, 0.8), UNHURRIED)


@pytest.mark.long
@pytest.mark.parametrize("name", sorted(PROXIES))
@pytest.mark.parametrize("happens", [killed_and_restarted, hung])
def test_nor_does_anybody_when_there_is_much_to_do(
    proxied_site: Site, tmp_path: Path, name: str, happens: Callable[[Site, float], None]
) -> None:
    with own_gate(proxied_site) as site, proxy(name, site, tmp_path) as front:
        under_load([front], lambda: happens(site, 6), 0)


@pytest.mark.parametrize("requests", [500, pytest.param(10_000, marks=pytest.mark.long)])
def test_no_answer_is_ever_that_of_the_other_tenant(front: Proxy, requests: int) -> None:
    found = load(front.port, front.site.tls, both_tenants(front, requests), connections=32)

    assert not found.wrong
    assert found.kinds == {"302": requests // 2, "200": requests // 2}


def test_cookies_of_both_tenants_never_mix(front: Proxy) -> None:
    """Browsers that come for the first time get a cookie each, of their own tenant."""

    def first_visits() -> Iterator[tuple[bytes, Judge]]:
        for number in range(200):
            tenant = ("contoso", "fabrikam")[number % 2]
            yield page(front, tenant, number % 10, cookie=f"portal={number}")

    assert not load(front.port, front.site.tls, first_visits()).wrong


@pytest.mark.parametrize("pause", [UNHURRIED, pytest.param(0, marks=pytest.mark.long)])
def test_nginx_takes_a_new_configuration_under_load(
    proxied_site: Site, tmp_path: Path, pause: float
) -> None:
    with proxy("nginx", proxied_site, tmp_path) as front:
        under_load([front], lambda: reload_thrice(front), pause)


def reload_thrice(front: Proxy) -> None:
    for _ in range(3):
        time.sleep(0.3)
        assert front.process is not None
        os.kill(front.process.pid, signal.SIGHUP)
    time.sleep(0.3)


@pytest.mark.long
def test_the_gate_reloads_and_every_redirect_is_given(proxied_site: Site, tmp_path: Path) -> None:
    """What the shipped unit does on reload: the new worker decides before the old one is gone."""
    with own_gate(proxied_site) as site, proxy("nginx", site, tmp_path) as front:

        def reload_gate() -> None:
            time.sleep(0.5)
            assert site.process is not None
            os.kill(site.process.pid, signal.SIGHUP)
            time.sleep(8)

        _, *before = site.processes
        found = under_load([front], reload_gate, 0)["nginx"]
        after = site.processes[1:]

    assert before
    assert not set(before) & set(after)
    # The last request of the two tenants may be that of one.
    assert abs(found.kinds["302"] - found.kinds["200"]) <= 1
