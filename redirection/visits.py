"""A visit: the facts of one request to a legacy host, and the decision. No query."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from typing import NamedTuple
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
from redirection.request_classes import TREATMENTS, PageLoadHints, RequestClass, request_class
from redirection.step_backs import RunningStepBack

logger = logging.getLogger(__name__)
_without_cookies = Rarely()


# A named tuple: it is made for every request, and a frozen dataclass takes thrice as long.
class Visit(NamedTuple):
    """The decision left on the request as ``request.redirection``, with what it rests on.

    ``now`` is the moment of the decision in milliseconds since the epoch; ``running`` says
    whether ``session`` was still running then; ``remembered`` whether the browser already
    remembers ``tenant`` as the one visited last. ``step_back`` is the one that runs, or None.
    ``returns`` is how often in a row the destination sent this browser back, 0 if it did not
    now; ``script_moves``: the answer may be a page, which the portal script must move.
    ``cookies_unreadable``: what the browser remembers is not known, so nothing is written to it.
    """

    decision: Decision
    now: int = 0
    host: LegacyHost | None = None
    tenant: Tenant | None = None
    session: LegacySession | None = None
    running: bool = False
    remembered: bool = False
    stale: bool = False
    page_load: bool = False
    step_back: RunningStepBack | None = None
    request_class: RequestClass = RequestClass.SUBRESOURCE
    returns: int = 0
    script_moves: bool = False
    cookies_unreadable: bool = False

    @property
    def header(self) -> str:
        """Reason and revision as an RFC 8941 item: ``new_session;revision=41``."""
        parts = [str(self.decision.reason)]
        if self.decision.revision:
            parts.append(f"revision={self.decision.revision}")
        if self.stale:
            parts.append("stale")
        return ";".join(parts)

    def session_after(self, settings: Conf) -> LegacySession | None:
        """The session as it should be after this request; the same one if nothing changes."""
        session = self.session
        treatment = TREATMENTS[self.request_class]
        if self.running and session is not None:
            if not treatment.renews or not legacy_sessions.is_due(settings, session, self.now):
                return session
            return LegacySession(session.tid, session.started, self.now)
        tenant = self.tenant
        if tenant is None or tenant.on or self.cookies_unreadable:
            return session
        if self.decision.reason is Reason.EXEMPT:
            return session
        return LegacySession(tenant.tid, self.now, self.now) if treatment.begins else session

    @property
    def is_counted(self) -> bool:
        """Whether the request counts as a page load, if it is answered with a page."""
        return self.page_load and TREATMENTS[self.request_class].counted

    @property
    def is_ahead_of_time(self) -> bool:
        """Whether the browser prefetches or prerenders: it leaves no trace."""
        return self.request_class is RequestClass.AHEAD_OF_TIME

    @property
    def is_in_a_loop(self) -> bool:
        """Whether the destination sent this browser back too often: nobody moves it now."""
        return self.returns > loops.MOST_RETURNS


NOT_LEGACY = Visit(decide(Facts(legacy=False)))


def visit_now(request: LegacyRequest) -> Visit:
    """The visit of ``request`` now, by what this worker holds."""
    held = switches.held()
    if switches.is_stale():
        held = replace(held, stale=True)
    visit = visit_at(request, conf(), held, time.time_ns() // 1_000_000)
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
    hints = hints_of(request)
    exempt = is_exempt(request.path, settings.exempt_paths)
    kind = request_class(hints)
    treatment = TREATMENTS[kind]
    page_load = treatment.moves and not exempt
    # What is never moved may still show that somebody is at work.
    if not page_load and (treatment.moves or not treatment.renews):
        facts = Facts(legacy=True, exempt=exempt, page_load=page_load)
        return Visit(decide(facts), host=host, request_class=kind)
    cookies = request.cookies
    unreadable = not cookies and request.cookies_unreadable
    remembered = legacy_sessions.remembered_tenant(settings, cookies)
    tenant = _tenant(request, host, held, remembered)
    session = legacy_sessions.read(settings, cookies, tenant.tid) if tenant else None
    running = session is not None and session.is_running(
        now, settings.session_idle * 1000, settings.session_limit * 1000
    )
    step_back = _step_back(settings, request, tenant, now)
    ahead_of_time = kind is RequestClass.AHEAD_OF_TIME
    leaves_traces = page_load and not (ahead_of_time or unreadable)
    returns = _returns(settings, request, tenant) if leaves_traces else 0
    facts = Facts(
        legacy=True,
        exempt=exempt,
        page_load=page_load,
        loaded=held.loaded,
        tenant=tenant,
        destination=tenant is not None and settings.destination(tenant.cloud) is not None,
        session=session,
        session_runs=running,
        stepped_back=step_back is not None,
        sent_back=returns > loops.MOST_RETURNS,
        ahead_of_time=ahead_of_time,
        cookies_unreadable=unreadable,
    )
    return Visit(
        decide(facts),
        now,
        host,
        tenant,
        session,
        running,
        remembered=tenant is not None and tenant.tid == remembered,
        stale=held.stale,
        page_load=page_load,
        step_back=step_back,
        request_class=kind,
        returns=returns,
        script_moves=treatment.begins
        and not (page_load or exempt)
        and decide(facts._replace(page_load=True)).go,
        cookies_unreadable=unreadable,
    )


def _returns(settings: Conf, request: LegacyRequest, tenant: Tenant | None) -> int:
    destination = settings.destination(tenant.cloud) if tenant and tenant.on else None
    if destination is None or not loops.was_sent_back(request.headers, destination):
        return 0
    return loops.returns(settings, request.cookies) + 1


def _step_back(
    settings: Conf, request: LegacyRequest, tenant: Tenant | None, now: int
) -> RunningStepBack | None:
    if tenant is None or tenant.step_back_since is None:
        return None
    found = step_backs.read(settings, request.cookies, tenant.tid)
    return found if found and found.is_running(now, tenant.step_back_since) else None


def hints_of(request: LegacyRequest) -> PageLoadHints:
    """What ``request`` says about itself."""
    meta = request.headers
    return PageLoadHints(
        method=request.method,
        fetch_mode=meta.get("HTTP_SEC_FETCH_MODE"),
        fetch_dest=meta.get("HTTP_SEC_FETCH_DEST"),
        requested_with=meta.get("HTTP_X_REQUESTED_WITH"),
        accept=meta.get("HTTP_ACCEPT"),
        purposes=" ".join(meta[name] for name in _PURPOSES if name in meta),
        upgrade=meta.get("HTTP_UPGRADE"),
        service_worker=meta.get("HTTP_SERVICE_WORKER"),
        content_type=meta.get("CONTENT_TYPE", ""),
    )


# The first is today's; the others are those of older browsers.
_PURPOSES = ("HTTP_SEC_PURPOSE", "HTTP_PURPOSE", "HTTP_X_PURPOSE", "HTTP_X_MOZ")


def _tenant(
    request: LegacyRequest, host: LegacyHost, held: switches.Held, remembered: str
) -> Tenant | None:
    """The tenant visited: ``tid`` names it, else the host, else it is the one visited last.

    Facts on the portals, "Hosts": ``tid`` names the tenant a guest visits, and it is the
    tenant the destination will show.
    """
    query = request.query
    # The first one counts, as in the destination.
    named = (
        next((value for name, value in parse_qsl(query) if name == "tid"), None)
        if ("tid=" in query)
        else None
    )
    if named is not None and (tenant := held.by_tid.get(named.lower())):
        return tenant
    if host.tenant is not None:
        return held.by_name.get(host.tenant)
    return held.by_tid.get(remembered) if named is None else None
