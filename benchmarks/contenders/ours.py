"""The decision of this project: through the WSGI door, as Django middleware, and alone."""

from __future__ import annotations

from collections.abc import Callable
from itertools import cycle

from benchmarks import site_in_memory as site
from benchmarks.browsers import Environ, Served
from redirection.conf import conf
from redirection.decisions import Facts, decide
from redirection.door import with_door
from redirection.locations import way_of
from redirection.received_requests import of_environ
from redirection.visits import visit_now

# More than any memory keeps.
_STRANGERS = 20_000


def door(rules: int, tenants: int) -> Served:
    """A page with a counterpart, for a tenant that is on."""
    _hold(rules, tenants)
    return Served(with_door(site.handler(site.GATED)), [site.environ(site.tenant(0), "/audits")])


def strangers(rules: int, tenants: int) -> Served:
    """Each request has another host, page, query and cookie; each page has a rule of its own."""
    _hold(rules, tenants)
    environs = list(site.strangers(_STRANGERS, tenants, rules))
    return Served(with_door(site.handler(site.GATED)), environs)


def middleware(rules: int, tenants: int) -> Served:
    """The same as the door, by the middleware alone."""
    _hold(rules, tenants)
    return Served(site.handler(site.GATED), [site.environ(site.tenant(0), "/audits")])


def decision(rules: int, tenants: int) -> Callable[[], object]:
    """From the request as the server hands it over to the address it goes to."""
    _hold(rules, tenants)
    return _decided([site.environ(site.tenant(0), "/audits")])


def strange_decisions(rules: int, tenants: int) -> Callable[[], object]:
    """The same for requests that have nothing in common."""
    _hold(rules, tenants)
    return _decided(list(site.strangers(_STRANGERS, tenants, rules)))


def decide_alone() -> Callable[[], object]:
    """``decide()``, once everything is known."""
    facts = Facts(legacy=True, tenant=site.tenant(0))
    return lambda: decide(facts)


def _hold(rules: int, tenants: int) -> None:
    site.configure()
    site.hold(tenants, rules)


def _decided(environs: list[Environ]) -> Callable[[], object]:
    asked = cycle(environs)

    def once() -> object:
        request = of_environ(next(asked))
        visit = visit_now(request)
        return visit.tenant and visit.decision.go and way_of(request, visit.tenant, conf())

    if not once():
        raise SystemExit("It does not go.")
    return once
