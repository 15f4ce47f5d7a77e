"""A visit: the facts of one request to a legacy host, and the decision. No query."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from urllib.parse import parse_qsl

from redirection import legacy_sessions, loops, step_backs, switches
from redirection.conf import Conf, conf
from redirection.decisions import (
    Decision,
    Facts,
    LegacySession,
    Reason,
    Tenant,
    decide,
    is_exempt,
)
from redirection.legacy_hosts import LegacyHost
from redirection.legacy_requests import LegacyRequest
from redirection.rare_logs import Rarely
from redirection.request_classes import TREATMENTS, RequestClass, class_of
from redirection.step_backs import RunningStepBack

logger = logging.getLogger(__name__)
_without_cookies = Rarely()

# To name a member takes longer than to compare with it.
_AHEAD_OF_TIME = RequestClass.AHEAD_OF_TIME
_SUBRESOURCE = RequestClass.SUBRESOURCE
_EXEMPT = Reason.EXEMPT


# Made for every request, and frozen it would take thrice as long; nobody changes it.
@dataclass(slots=True)
class Visit(Facts):
    """The facts, the decision on them, and what its answer rests on besides.

    Left on the request as ``request.redirection``. ``now`` is the moment of the decision in
    milliseconds since the epoch; ``remembered``: the browser already remembers ``tenant`` as the
    one visited last. ``step_back`` is the one that runs, or None. ``returns`` is how often in a
    row the destination sent this browser back, 0 if it did not now; ``script_moves``: the answer
    may be a page, which the portal script must move.
    """

    now: int = 0
    host: LegacyHost | None = None
    remembered: bool = False
    stale: bool = False
    step_back: RunningStepBack | None = None
    request_class: RequestClass = _SUBRESOURCE
    returns: int = 0
    decision: Decision = field(init=False)
    script_moves: bool = field(init=False)

    def decided(self, decision: Decision, *, script_moves: bool = False) -> Visit:
        """This visit, with its decision."""
        self.decision = decision
        self.script_moves = script_moves
        return self

    @property
    def header(self) -> str:
        """Reason and revision as an RFC 8941 item: ``new_session;revision=41``."""
        text = self.decision.text
        return f"{text};stale" if self.stale else text

    def session_after(self, settings: Conf) -> LegacySession | None:
        """The session as it should be after this request; the same one if nothing changes."""
        session = self.session
        treatment = TREATMENTS[self.request_class]
        if self.session_runs and session is not None:
            if not treatment.renews or not legacy_sessions.is_due(settings, session, self.now):
                return session
            return LegacySession(session.tid, session.started, self.now)
        tenant = self.tenant
        if tenant is None or tenant.on or self.cookies_unreadable:
            return session
        if self.decision.reason is _EXEMPT:
            return session
        return LegacySession(tenant.tid, self.now, self.now) if treatment.begins else session

    @property
    def is_counted(self) -> bool:
        """Whether the request counts as a page load, if it is answered with a page."""
        return self.page_load and TREATMENTS[self.request_class].counted

    @property
    def is_ahead_of_time(self) -> bool:
        """Whether the browser prefetches or prerenders: it leaves no trace."""
        return self.request_class is _AHEAD_OF_TIME

    @property
    def is_in_a_loop(self) -> bool:
        """Whether the destination sent this browser back too often: nobody moves it now."""
        return self.returns > loops.MOST_RETURNS


_NO_PAGE_LOAD = Facts(legacy=True, page_load=False)
NOT_LEGACY = Visit(legacy=False, page_load=False).decided(decide(Facts(legacy=False)))
_exempt, _not_page_load = decide(replace(_NO_PAGE_LOAD, exempt=True)), decide(_NO_PAGE_LOAD)


def visit_now(request: LegacyRequest) -> Visit:
    """The visit of ``request`` now, by what this worker holds."""
    visit = visit_at(request, conf(), switches.held_now(), time.time_ns() // 1_000_000)
    if visit.cookies_unreadable and _without_cookies.is_due():
        logger.warning(
            "The server does not hand over cookies that are not plain ASCII: who has one stays"
        )
    return visit


def visit_at(request: LegacyRequest, settings: Conf, held: switches.Held, now: int) -> Visit:
    """The visit of ``request`` at ``now`` (milliseconds since the epoch), given what is held."""
    host = settings.legacy_hosts.parse(request.host)
    if host is None:
        return NOT_LEGACY
    path = request.path
    # Most people come to a few pages.
    known = _is_exempt_page if len(path) <= _LONGEST_KEPT else is_exempt
    exempt = known(path, settings.exempt_paths)
    kind = class_of(request.method, request.headers)
    treatment = TREATMENTS[kind]
    page_load = treatment.moves and not exempt
    # What is never moved may still show that somebody is at work.
    if not page_load and (treatment.moves or not treatment.renews):
        return _no_page_load(request.host, host, kind, exempt)
    cookies = request.cookies
    unreadable = not cookies and request.cookies_unreadable
    remembered = legacy_sessions.remembered_tenant(settings, cookies)
    tenant = _tenant(request, host, held, remembered)
    session = step_back = None
    running = destination = False
    if tenant is not None:
        destination = tenant.cloud in settings.destinations
        session = legacy_sessions.read(settings, cookies, tenant.tid)
        running = session is not None and session.is_running(
            now, settings.session_idle * 1000, settings.session_limit * 1000
        )
        if tenant.step_back_since is not None:
            step_back = _step_back(settings, cookies, tenant, now)
    ahead_of_time = kind is _AHEAD_OF_TIME
    returns = 0
    headers = request.headers
    # Without these nothing says that somebody was sent back.
    sent = "HTTP_REFERER" in headers or "HTTP_SEC_FETCH_SITE" in headers
    if sent and page_load and destination and not (ahead_of_time or unreadable):
        returns = _returns(settings, request, tenant)
    visit = Visit(
        True,
        exempt,
        page_load,
        held.loaded,
        tenant,
        destination,
        session,
        running,
        step_back is not None,
        returns > loops.MOST_RETURNS,
        ahead_of_time,
        unreadable,
        now,
        host,
        tenant is not None and tenant.tid == remembered,
        held.stale,
        step_back,
        kind,
        returns,
    )
    visit.decision = decide(visit)
    visit.script_moves = (
        not page_load
        and not exempt
        and treatment.begins
        and decide(replace(visit, page_load=True)).go
    )
    return visit


# So many pages are kept as exempt or not, each of so many characters.
_LONGEST_KEPT = 200
_is_exempt_page = lru_cache(maxsize=4096)(is_exempt)


def _no_page_load(name: str, host: LegacyHost, kind: RequestClass, exempt: bool) -> Visit:
    """What is let through as no page load, whoever asks: kept, as most requests are of a few."""
    key = (name, kind, exempt)
    visit = _no_page_loads.get(key)
    if visit is None or visit.host is not host:
        if len(_no_page_loads) >= _NO_PAGE_LOADS_KEPT:
            _no_page_loads.clear()
        visit = Visit(True, exempt, False, host=host, request_class=kind)
        visit.decided(_exempt if exempt else _not_page_load)
        _no_page_loads[key] = visit
    return visit


# By the name as it was asked for, which is short where it is a legacy host.
_NO_PAGE_LOADS_KEPT = 4_096
_no_page_loads: dict[tuple[str, RequestClass, bool], Visit] = {}


def _returns(settings: Conf, request: LegacyRequest, tenant: Tenant | None) -> int:
    if tenant is None or not tenant.on:
        return 0
    if not loops.was_sent_back(request.headers, settings.destinations[tenant.cloud]):
        return 0
    return loops.returns(settings, request.cookies) + 1


def _step_back(
    settings: Conf, cookies: Mapping[str, str], tenant: Tenant, now: int
) -> RunningStepBack | None:
    found = step_backs.read(settings, cookies, tenant.tid)
    return found if found and found.is_running(now, tenant.step_back_since) else None


def _tenant(
    request: LegacyRequest, host: LegacyHost, held: switches.Held, remembered: str
) -> Tenant | None:
    """The tenant visited: ``tid`` names it, else the host, else it is the one visited last.

    Facts on the portals, "Hosts": ``tid`` names the tenant a guest visits, and it is the
    tenant the destination will show.
    """
    query = request.query
    # The first one counts, as in the destination.
    named = _named(query) if "tid=" in query else None
    if named is not None and (tenant := held.by_tid.get(named.lower())):
        return tenant
    if host.tenant is not None:
        return held.tenants.by_name.get(host.tenant)
    return held.by_tid.get(remembered) if named is None else None


def _named(query: str) -> str | None:
    return next((value for name, value in parse_qsl(query) if name == "tid"), None)
