"""What a decision costs: ``make bench`` or ``python -m benchmarks.decision``.

Contenders and the floor take turns in one run, so compare the ratios, not the microseconds.
"""

from __future__ import annotations

import argparse
import gc
import io
import platform
import time
from collections.abc import Callable
from http import HTTPStatus
from statistics import median, quantiles
from typing import Any
from uuid import UUID
from wsgiref.types import WSGIApplication

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.http import HttpResponse

from redirection import legacy_sessions, switches
from redirection.answers import HEADER
from redirection.conf import conf
from redirection.decisions import Facts, LegacySession, Tenant, decide
from redirection.door import with_door
from redirection.held_tenants import HeldTenants
from redirection.packed_tenants import PackedTenants
from redirection.received_requests import of_django
from redirection.visits import visit_now

Batch = Callable[[], float]
Environ = dict[str, Any]

NOW = time.time_ns() // 1_000_000
HOUR = 3_600_000
GATE_KEY = "a-gate-key-that-is-known-to-everybody-who-reads-this"
EXPLANATION = """\
us: microseconds for one, the median of all rounds; 80 %: the rounds between the first and the last
tenth. x floor: the same as a multiple of the floor of the same round, a Django view without any
middleware that returns a constant redirect. Queries: 0, as no database is configured to ask."""


def main() -> None:
    arguments = _arguments()
    _configure()
    on, off = _hold(arguments.tenants)
    contenders = _contenders(on, off, arguments.requests)
    rounds: dict[str, list[float]] = {name: [] for name in contenders}
    gc.collect()
    gc.freeze()
    for number in range(arguments.rounds + 1):
        for name, batch in contenders.items():
            seconds = _without_collector(batch)
            # The first round warms up.
            if number:
                rounds[name].append(seconds / arguments.requests * 1e6)
    print(
        f"{arguments.rounds} rounds of {arguments.requests}, {arguments.tenants:,} tenants, "
        f"Python {platform.python_version()}, Django {django.__version__}\n"
    )
    _print_table(rounds)
    print(f"\n{EXPLANATION}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="What a decision costs.")
    parser.add_argument("--rounds", type=int, default=80, help="how often each takes its turn")
    parser.add_argument("--requests", type=int, default=200, help="requests in one turn")
    parser.add_argument("--tenants", type=int, default=10_000, help="tenants held in memory")
    arguments = parser.parse_args()
    if arguments.rounds < 2 or arguments.requests < 1 or arguments.tenants < 2:
        parser.error("at least 2 rounds, 1 request and 2 tenants are needed")
    return arguments


def _configure() -> None:
    settings.configure(
        SECRET_KEY="a-secret-key-that-is-known-to-everybody-who-reads-this",  # noqa: S106
        ALLOWED_HOSTS=[".portal.example.com", "security.example.org"],
        ROOT_URLCONF="benchmarks.urls",
        REDIRECTION_CLOUDS={
            "commercial": {
                "legacy": ["portal.example.com"],
                "destination": "https://security.example.org",
            }
        },
        REDIRECTION_GATE_KEY=GATE_KEY,
        # No thread that would ask a store.
        REDIRECTION_REFRESH=0,
    )
    django.setup()


def _hold(count: int) -> tuple[Tenant, Tenant]:
    """Let this process hold ``count`` tenants; returns one that is on and one that is off."""
    tenants = [
        Tenant(
            tid=str(UUID(int=number + 1)),
            name=f"tenant{number}",
            cloud="commercial",
            on=number % 2 == 0,
            since=NOW - HOUR,
            revision=number + 1,
        )
        for number in range(count)
    ]
    packed = PackedTenants(count)
    for tenant in tenants:
        packed.add(tenant)
    switches._held = switches.Held(  # noqa: SLF001 (there is no other way in without a store)
        revision=len(tenants), tenants=HeldTenants(packed)
    )
    return tenants[0], tenants[1]


def _contenders(on: Tenant, off: Tenant, requests: int) -> dict[str, Batch]:
    bare, gated = _handler([]), _handler(["redirection.middleware.RedirectionMiddleware"])
    new = _environ(on, "/audits")
    # Both visits began before the switch and were seen just now.
    running = _environ(on, "/audits", _cookie(on))
    stays_off = _environ(off, "/audits", _cookie(off))
    api = _environ(on, "/api/v1/alerts")
    destination = _environ(on, "/audits") | {"HTTP_HOST": "security.example.org"}
    part = _environ(on, "/audits") | {
        "HTTP_SEC_FETCH_MODE": "no-cors",
        "HTTP_SEC_FETCH_DEST": "image",
    }
    call = new | {
        "PATH_INFO": "/redirection/gate",
        "QUERY_STRING": "",
        "HTTP_GATEKEY": GATE_KEY,
        "HTTP_GATEMETHOD": "GET",
        "HTTP_GATEHOST": new["HTTP_HOST"],
        "HTTP_GATETARGET": f"{new['PATH_INFO']}?{new['QUERY_STRING']}",
    }
    door = with_door(gated)
    statuses: list[str] = []

    def start_response(status: str, *_: object) -> Any:
        statuses.append(status)

    for environ in (new, _environ(on, "/"), running, part, call):
        door(dict(environ), start_response)
    # The view behind the door answers with a redirect, too.
    if statuses != ["302 Found"] * 5:
        raise SystemExit(f"The door answered with {statuses}.")
    for environ, reason in [
        (new, f"new_session;revision={on.revision}"),
        (_environ(on, "/"), f"new_session;revision={on.revision}"),
        (running, f"session_continues;revision={on.revision}"),
        (stays_off, f"off;revision={off.revision}"),
        (api, None),
        (destination, None),
    ]:
        response = gated.get_response(WSGIRequest(dict(environ)))
        found = (response.status_code, response.get(HEADER), bool(response.cookies))
        if found != (HTTPStatus.FOUND, reason, False):
            raise SystemExit(f"{environ['PATH_INFO']} was answered with {found}.")
    facts = Facts(legacy=True, tenant=on)
    return {
        "floor: constant redirect": _serve(bare, new, requests),
        "redirect, page with a counterpart": _serve(gated, new, requests),
        "redirect, by the hand-over page": _serve(gated, _environ(on, "/"), requests),
        "let through, session continues": _serve(gated, running, requests),
        "let through, redirection is off": _serve(gated, stays_off, requests),
        "let through, exempt path": _serve(gated, api, requests),
        "let through, destination host": _serve(gated, destination, requests),
        "decide()": _repeat(lambda: decide(facts), requests),
        "door: redirect": _serve(door, new, requests),
        "door: by the hand-over page": _serve(door, _environ(on, "/"), requests),
        "door: session continues": _serve(door, running, requests),
        "door: part of a page": _serve(door, part, requests),
        "door: call of the gate": _serve(door, call, requests),
        "visit, new session": _gather(new, requests),
        "visit, session continues": _gather(running, requests),
    }


def _environ(tenant: Tenant, path: str, cookie: str = "") -> Environ:
    return {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": "activity.id=eq(abc123,)" if path != "/" else "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "443",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": f"{tenant.name}.eu.portal.example.com",
        "HTTP_ACCEPT": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
        "HTTP_SEC_FETCH_DEST": "document",
        "HTTP_SEC_FETCH_MODE": "navigate",
        "HTTP_COOKIE": cookie or _cookie(tenant, visiting=False),
        "wsgi.url_scheme": "https",
        "wsgi.input": io.BytesIO(),
    }


def _cookie(tenant: Tenant, *, visiting: bool = True) -> str:
    """What a browser sends that has been here before, with or without a legacy session."""
    response = HttpResponse()
    legacy_sessions.remember_tenant(conf(), response, tenant.tid, "portal.example.com")
    if visiting:
        # Not to be renewed while the benchmark runs.
        session = LegacySession(tenant.tid, NOW - 2 * HOUR, NOW + HOUR)
        legacy_sessions.write(conf(), response, session, "portal.example.com")
    return "; ".join(f"{name}={morsel.value}" for name, morsel in response.cookies.items())


def _handler(middleware: list[str]) -> WSGIHandler:
    settings.MIDDLEWARE = middleware
    return WSGIHandler()


def _serve(handler: WSGIApplication, environ: Environ, requests: int) -> Batch:
    def once() -> None:
        answered = handler(dict(environ), _start_response)
        getattr(answered, "close", _nothing_to_close)()

    return _repeat(once, requests)


def _start_response(status: str, headers: list[tuple[str, str]], *_: object) -> None:
    """The server's side of WSGI, which costs nothing here."""


def _nothing_to_close() -> None:
    """The door's answer has no end of its own."""


def _repeat(once: Callable[[], object], times: int) -> Batch:
    def batch() -> float:
        start = time.perf_counter()
        for _ in range(times):
            once()
        return time.perf_counter() - start

    return batch


def _gather(environ: Environ, requests: int) -> Batch:
    """The visit of requests made beforehand: they keep what was parsed once."""

    def batch() -> float:
        fresh = [WSGIRequest(dict(environ)) for _ in range(requests)]
        start = time.perf_counter()
        for request in fresh:
            visit_now(of_django(request))
        return time.perf_counter() - start

    return batch


def _without_collector(batch: Batch) -> float:
    gc.collect()
    gc.disable()
    try:
        return batch()
    finally:
        gc.enable()


def _print_table(rounds: dict[str, list[float]]) -> None:
    floor = next(iter(rounds.values()))
    print(f"{'':36}{'us':>8}{'80 %':>16}{'x floor':>10}{'80 %':>16}")
    for name, times in rounds.items():
        ratios = [own / other for own, other in zip(times, floor, strict=True)]
        print(
            f"{name:36}{median(times):8.1f}{_spread(times, 1):>16}"
            f"{median(ratios):10.3f}{_spread(ratios, 3):>16}"
        )


def _spread(values: list[float], digits: int) -> str:
    tenths = quantiles(values, n=10)
    return f"{tenths[0]:.{digits}f}-{tenths[-1]:.{digits}f}"


if __name__ == "__main__":
    main()
