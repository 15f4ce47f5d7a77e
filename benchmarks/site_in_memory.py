"""A site that holds many tenants and deep link rules without a store: what a worker has read."""

from __future__ import annotations

import time
from collections.abc import Iterator

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpResponse

from benchmarks.browsers import DESTINATION, Environ, page_load
from redirection import legacy_sessions, switches
from redirection.conf import conf
from redirection.decisions import LegacySession, Tenant
from redirection.held_tenants import HeldTenants
from redirection.link_rules import LinkRule
from redirection.packed_tenants import PackedTenants
from redirection.rule_sets import RuleSet

GATED = ["redirection.middleware.RedirectionMiddleware"]
GATE_KEY = "a-gate-key-that-is-known-to-everybody-who-reads-this"
NOW = time.time_ns() // 1_000_000
HOUR = 3_600_000


def configure() -> None:
    """Django with nothing but what the decision needs."""
    settings.configure(
        SECRET_KEY="a-secret-key-that-is-known-to-everybody-who-reads-this",  # noqa: S106
        ALLOWED_HOSTS=[".portal.example.com", "security.example.org"],
        ROOT_URLCONF="benchmarks.urls",
        REDIRECTION_CLOUDS={
            "commercial": {"legacy": ["portal.example.com"], "destination": DESTINATION}
        },
        REDIRECTION_GATE_KEY=GATE_KEY,
        # No thread that would ask a store.
        REDIRECTION_REFRESH=0,
    )
    django.setup()


def handler(middleware: list[str]) -> WSGIHandler:
    """Django with this middleware around one view that returns a constant redirect."""
    settings.MIDDLEWARE = middleware
    return WSGIHandler()


def hold(tenants: int, rules: int = 0) -> None:
    """Let this process hold so many tenants, ``tenant(0)`` and so on, and rules."""
    packed = PackedTenants(tenants)
    for number in range(tenants):
        packed.add(tenant(number))
    switches._held = switches.Held(  # noqa: SLF001 (there is no other way in without a store)
        revision=tenants, tenants=HeldTenants(packed), rules=RuleSet(_rules(rules), 1)
    )


def tenant(number: int) -> Tenant:
    """One of the tenants held: those with an even number are on."""
    return Tenant(
        tid=f"00000000-0000-4000-8000-{number:012x}",
        name=f"tenant{number}",
        cloud="commercial",
        on=number % 2 == 0,
        since=NOW - HOUR,
        revision=number + 1,
    )


def _rules(count: int) -> Iterator[LinkRule]:
    """One in ten a prefix, the others exact."""
    for number in range(1, count + 1):
        kind = "exact" if number % 10 else "prefix"
        yield LinkRule(number, kind, f"/pages/{number}", f"/new/{number}")


def environ(visited: Tenant, path: str, cookie: str = "") -> Environ:
    """A page load by a browser that has been here before, without a legacy session."""
    return page_load(
        f"{visited.name}.eu.portal.example.com",
        path,
        "activity.id=eq(abc123,)" if path != "/" else "",
        cookie or cookie_of(visited, visiting=False),
    )


def strangers(count: int, tenants: int, rules: int) -> Iterator[Environ]:
    """Page loads that have neither host nor page nor query nor cookie in common.

    Each is for a page with a rule of its own. Needs twice as many ``tenants`` as ``count``; with
    fewer ``rules`` than that the pages come again, with another query.
    """
    for number in range(count):
        visited = tenant(2 * number % tenants)
        found = environ(visited, f"/pages/{number % rules + 1}")
        yield found | {"QUERY_STRING": f"activity.id=eq({number},)"}


def cookie_of(visited: Tenant, *, visiting: bool = True) -> str:
    """What a browser sends that has been here before, with or without a legacy session."""
    response = HttpResponse()
    legacy_sessions.remember_tenant(conf(), response, visited.tid, "portal.example.com")
    if visiting:
        # It began before the switch, and is not to be renewed while the benchmark runs.
        session = LegacySession(visited.tid, NOW - 2 * HOUR, NOW + HOUR)
        legacy_sessions.write(conf(), response, session, "portal.example.com")
    return "; ".join(f"{name}={morsel.value}" for name, morsel in response.cookies.items())
