"""Page loads of both tenants through a proxy, each with what must not be in its answer."""

from __future__ import annotations

import itertools
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus

from redirection.conf import conf
from redirection.decisions import LegacySession
from redirection.legacy_sessions import keeping
from tests.proxies import PATIENCE, Proxy
from tests.proxies_exchange import PAGE_LOAD, request
from tests.proxies_load import Judge, Load, load
from tests.proxies_site import TENANTS

# A browser that has been here before: nothing has to be remembered any more.
BEEN_HERE = {name: f"__Secure-legacy_tenant={tid}" for name, tid in TENANTS.items()}
HOUR = 3_600_000
# Who they are that have a last answer of the gate.
KEEPS_ANSWERS = {"nginx"}


def session_cookie(tenant: str, started: int, seen: int) -> str:
    """The cookie of a legacy session; times in milliseconds since the epoch."""
    cookie = keeping(conf(), LegacySession(TENANTS[tenant], started, seen), "portal.localhost")
    return f"__Secure-{cookie.name}={cookie.value}"


def running_session(tenant: str) -> str:
    """That of a session which began before the switch, and was seen some minutes ago."""
    now = time.time_ns() // 1_000_000
    return session_cookie(tenant, now - HOUR, now - HOUR // 12)


def page(front: Proxy, tenant: str, number: int, cookie: str = "") -> tuple[bytes, Judge]:
    """A page load of ``tenant`` and what must not be in the answer to it."""
    headers = {**PAGE_LOAD, "Cookie": cookie or f"{BEEN_HERE[tenant]}; portal={number}"}
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


def under_load(
    fronts: Iterable[Proxy], meanwhile: Callable[[], None], pause: float
) -> dict[str, Load]:
    """Do something while both tenants load pages through each of the proxies.

    Nobody may notice: every answer is the right one, and comes soon. ``pause`` is that of
    ``load``; without one, the machine has as much to do as it can.
    """
    fronts = list(fronts)
    done = threading.Event()

    def loaded(front: Proxy) -> Load:
        return load(front.port, front.site.tls, until(front, done), connections=8, pause=pause)

    with ThreadPoolExecutor(len(fronts)) as threads:
        running = [threads.submit(loaded, front) for front in fronts]
        try:
            meanwhile()
        finally:
            done.set()
    found = {front.name: future.result() for front, future in zip(fronts, running, strict=True)}

    assert {name: each.wrong for name, each in found.items()} == {name: {} for name in found}
    assert max(each.slowest for each in found.values()) < PATIENCE
    for each in found.values():
        assert sum(each.kinds.values()) == len(each.seconds) > 50
    return found
