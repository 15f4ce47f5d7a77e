"""What a decision costs: ``make bench`` or ``python -m benchmarks.decision``.

Contenders and the floor take turns in one run, so compare the ratios, not the microseconds.
"""

from __future__ import annotations

import argparse
import gc
import time
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from statistics import median
from typing import Any
from wsgiref.types import WSGIApplication

from django.core.handlers.wsgi import WSGIRequest

from benchmarks import site_in_memory as site
from benchmarks.browsers import Environ, Served
from benchmarks.results import Result, Table, ratio, spread
from redirection.answers import HEADER
from redirection.decisions import Facts, decide
from redirection.door import with_door
from redirection.received_requests import of_django
from redirection.visits import visit_now

Batch = Callable[[], float]

EXPLANATION = """\
us: microseconds for one, the median of all rounds; 80 %: the rounds between the first and the last
tenth. x floor: the same as a multiple of the floor of the same round, a Django view without any
middleware that returns a constant redirect. Queries: 0, as no database is configured to ask."""


def main() -> None:
    arguments = _arguments()
    site.configure()
    site.hold(arguments.tenants)
    batches = contenders(arguments.requests)
    rounds: dict[str, list[float]] = {name: [] for name in batches}
    gc.collect()
    gc.freeze()
    for number in range(arguments.rounds + 1):
        for name, batch in batches.items():
            seconds = _without_collector(batch)
            # The first round warms up.
            if number:
                rounds[name].append(seconds / arguments.requests * 1e6)
    floor = next(iter(rounds.values()))
    table = Table(("", "us", "80 %", "x floor", "80 %"))
    for name, times in rounds.items():
        ratios = [own / other for own, other in zip(times, floor, strict=True)]
        own, times_floor = f"{median(times):.1f}", f"{median(ratios):.3f}"
        table.rows.append((name, own, spread(times, 1), times_floor, spread(ratios, 3)))
    Result(
        f"{arguments.rounds} rounds of {arguments.requests}, {arguments.tenants:,} tenants",
        [table],
        EXPLANATION,
        {
            name: {"us": median(times), "floors": ratio(times, floor)}
            for name, times in rounds.items()
        },
    ).publish(arguments.json)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="What a decision costs.")
    parser.add_argument("--rounds", type=int, default=80, help="how often each takes its turn")
    parser.add_argument("--requests", type=int, default=200, help="requests in one turn")
    parser.add_argument("--tenants", type=int, default=10_000, help="tenants held in memory")
    parser.add_argument("--json", type=Path, help="file for the results")
    arguments = parser.parse_args()
    if arguments.rounds < 2 or arguments.requests < 1 or arguments.tenants < 2:
        parser.error("at least 2 rounds, 1 request and 2 tenants are needed")
    return arguments


def contenders(requests: int) -> dict[str, Batch]:
    """So many requests of each kind to the site that is held, and the seconds they took."""
    on, off = site.tenant(0), site.tenant(1)
    bare, gated = site.handler([]), site.handler(site.GATED)
    new = site.environ(on, "/audits")
    # Both visits began before the switch and were seen just now.
    running = site.environ(on, "/audits", site.cookie_of(on))
    stays_off = site.environ(off, "/audits", site.cookie_of(off))
    api = site.environ(on, "/api/v1/alerts")
    destination = site.environ(on, "/audits") | {"HTTP_HOST": "security.example.org"}
    part = site.environ(on, "/audits") | {
        "HTTP_SEC_FETCH_MODE": "no-cors",
        "HTTP_SEC_FETCH_DEST": "image",
    }
    call = new | {
        "PATH_INFO": "/redirection/gate",
        "QUERY_STRING": "",
        "HTTP_GATEKEY": site.GATE_KEY,
        "HTTP_GATEMETHOD": "GET",
        "HTTP_GATEHOST": new["HTTP_HOST"],
        "HTTP_GATETARGET": f"{new['PATH_INFO']}?{new['QUERY_STRING']}",
    }
    door = with_door(gated)
    statuses: list[str] = []

    def note(status: str, *_: object) -> Any:
        statuses.append(status)

    for environ in (new, site.environ(on, "/"), running, part, call):
        door(dict(environ), note)
    # The view behind the door answers with a redirect, too.
    if statuses != ["302 Found"] * 5:
        raise SystemExit(f"The door answered with {statuses}.")
    for environ, reason in [
        (new, f"new_session;revision={on.revision}"),
        (site.environ(on, "/"), f"new_session;revision={on.revision}"),
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
        "the same view, exempt path": _serve(bare, api, requests),
        "redirect, page with a counterpart": _serve(gated, new, requests),
        "redirect, by the hand-over page": _serve(gated, site.environ(on, "/"), requests),
        "let through, session continues": _serve(gated, running, requests),
        "let through, redirection is off": _serve(gated, stays_off, requests),
        "let through, exempt path": _serve(gated, api, requests),
        "let through, destination host": _serve(gated, destination, requests),
        "decide()": _repeat(lambda: decide(facts), requests),
        "door: redirect": _serve(door, new, requests),
        "door: by the hand-over page": _serve(door, site.environ(on, "/"), requests),
        "door: session continues": _serve(door, running, requests),
        "door: part of a page": _serve(door, part, requests),
        "door: call of the gate": _serve(door, call, requests),
        "visit, new session": _gather(new, requests),
        "visit, session continues": _gather(running, requests),
    }


def _serve(application: WSGIApplication, environ: Environ, requests: int) -> Batch:
    return _repeat(Served(application, [environ]).asked(), requests)


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


if __name__ == "__main__":
    main()
