"""A visit: the facts of one request to a legacy host, and the decision. No query."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
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
)
from redirection.legacy_hosts import LegacyHost
from redirection.legacy_requests import LegacyRequest
from redirection.memories import Memory
from redirection.rare_logs import Rarely
from redirection.request_classes import TREATMENTS, RequestClass, class_of
from redirection.step_backs import RunningStepBack

logger = logging.getLogger(__name__)
_without_cookies = Rarely()

# To name a member takes longer than to compare with it.
_AHEAD_OF_TIME = RequestClass.AHEAD_OF_TIME
_SUBRESOURCE = RequestClass.SUBRESOURCE
_EXEMPT = Reason.EXEMPT
_MOST_RETURNS = loops.MOST_RETURNS
_exempt = decide(Facts(legacy=True, exempt=True, page_load=False))
_not_page_load = decide(Facts(legacy=True, page_load=False))


# Made for every request, and frozen it would take thrice as long; nobody changes it.
@dataclass(slots=True)
class Visit(Facts):
    """The facts, the decision on them, and what its answer rests on besides.

    Left on the request as ``request.redirection``. ``now`` is the moment of the decision in
    milliseconds since the epoch; ``remembered``: the browser already remembers ``tenant`` as the
    one visited last. ``step_back`` is the one that runs, or None. ``returns`` is how often in a
    row the destination sent this browser back, 0 if it did not now. ``cookies`` are those of a
    page load; ``script_moves``: the answer may be a page, which the portal script must move.
    """

    now: int = 0
    host: LegacyHost | None = None
    remembered: bool = False
    stale: bool = False
    step_back: RunningStepBack | None = None
    request_class: RequestClass = _SUBRESOURCE
    returns: int = 0
    cookies: Mapping[str, str] = field(default_factory=dict, repr=False)
    decision: Decision = _not_page_load
    script_moves: bool = False

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


NOT_LEGACY = Visit(legacy=False, page_load=False, decision=decide(Facts(legacy=False)))


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
    host = settings.legacy_hosts.known[request.host]
    if host is None:
        return NOT_LEGACY
    exempt = settings.known_exempt[request.path]
    headers = request.headers
    kind = class_of(request.method, headers)
    treatment = TREATMENTS[kind]
    page_load = treatment.moves and not exempt
    # What is never moved may still show that somebody is at work.
    if not page_load and (treatment.moves or not treatment.renews):
        return _no_page_load[host, kind, exempt]
    cookies = request.cookies
    unreadable = not cookies and request.cookies_unreadable
    remembered = cookies.get(settings.tenant_cookie, "")
    query, name = request.query, host.tenant
    if name is not None and "tid=" not in query:
        tenant = held.tenants.by_name.get(name)
    else:
        tenant = _tenant(query, name, held, remembered)
    session = step_back = None
    running = destination = False
    if tenant is not None:
        destination = tenant.cloud in settings.destinations
        if cookies:
            session = legacy_sessions.read(settings, cookies, tenant.tid)
        if session is not None:
            running = session.is_running(
                now, settings.session_idle * 1000, settings.session_limit * 1000
            )
        if tenant.step_back_since is not None:
            step_back = _step_back(settings, cookies, tenant, now)
    # Named one by one: a call with so many arguments takes twice as long.
    visit = _new(Visit)
    visit.legacy = True
    visit.exempt = exempt
    visit.page_load = page_load
    visit.loaded = held.loaded
    visit.tenant = tenant
    visit.destination = destination
    visit.session = session
    visit.session_runs = running
    visit.step_back = step_back
    visit.stepped_back = step_back is not None
    visit.ahead_of_time = ahead_of_time = kind is _AHEAD_OF_TIME
    visit.cookies = cookies
    visit.cookies_unreadable = unreadable
    visit.returns = returns = 0
    # Without these nothing says that somebody was sent back.
    sent = "HTTP_REFERER" in headers or "HTTP_SEC_FETCH_SITE" in headers
    if sent and page_load and destination and not (ahead_of_time or unreadable):
        visit.returns = returns = _returns(settings, request, tenant)
    visit.sent_back = returns > _MOST_RETURNS
    visit.now = now
    visit.host = host
    visit.remembered = tenant is not None and tenant.tid == remembered
    visit.stale = held.stale
    visit.request_class = kind
    visit.decision = decide(visit)
    visit.script_moves = False
    if not page_load and not exempt and treatment.begins:
        visit.script_moves = decide(replace(visit, page_load=True)).go
    return visit


_new = object.__new__


def _visit_without_a_page(asked: tuple[LegacyHost, RequestClass, bool]) -> Visit:
    host, kind, exempt = asked
    decision = _exempt if exempt else _not_page_load
    return Visit(True, exempt, False, host=host, request_class=kind, decision=decision)


# What is let through as no page load, whoever asks: most requests are of a few.
_no_page_load = Memory(_visit_without_a_page, 4_096)


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


def _tenant(query: str, name: str | None, held: switches.Held, remembered: str) -> Tenant | None:
    """The tenant visited: ``tid`` names it, else the host, else it is the one visited last.

    Facts on the portals, "Hosts": ``tid`` names the tenant a guest visits, and it is the
    tenant the destination will show.
    """
    # The first one counts, as in the destination.
    named = _named(query) if "tid=" in query else None
    if named is not None and (tenant := held.by_tid.get(named.lower())):
        return tenant
    if name is not None:
        return held.tenants.by_name.get(name)
    return held.by_tid.get(remembered) if named is None else None


def _named(query: str) -> str | None:
    return next((value for name, value in parse_qsl(query) if name == "tid"), None)
