"""A visit: the facts of one request to a legacy host, and the decision. No query."""

from __future__ import annotations

import time
from dataclasses import dataclass
from urllib.parse import parse_qsl

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest

from redirection import legacy_sessions, switches
from redirection.conf import Conf, conf
from redirection.decisions import (
    Decision,
    Facts,
    LegacySession,
    PageLoadHints,
    Reason,
    Tenant,
    decide,
    is_background_call,
    is_exempt,
    is_page_load,
)
from redirection.legacy_hosts import LegacyHost


@dataclass(frozen=True, slots=True)
class Visit:
    """The decision left on the request as ``request.redirection``, with what it rests on.

    ``now`` is the moment of the decision in milliseconds since the epoch; ``running`` says
    whether ``session`` was still running then; ``remembered`` whether the browser already
    remembers ``tenant`` as the one visited last.
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

    @property
    def header(self) -> str:
        """Reason and revision as an RFC 8941 item: ``new_session;revision=41``."""
        parts = [str(self.decision.reason)]
        if self.tenant is not None:
            parts.append(f"revision={self.decision.revision}")
        if self.stale:
            parts.append("stale")
        return ";".join(parts)

    def session_after(self, settings: Conf) -> LegacySession | None:
        """The session as it should be after this request; the same one if nothing changes."""
        session = self.session
        if self.running and session is not None:
            if not legacy_sessions.is_due(settings, session, self.now):
                return session
            return LegacySession(session.tid, session.started, self.now)
        if self.decision.reason is Reason.OFF and self.tenant is not None:
            return LegacySession(self.tenant.tid, self.now, self.now)
        return session


def arrive(request: HttpRequest) -> Visit:
    """Gather the facts, decide, and leave the visit on the request."""
    visit = _visit(request, conf())
    request.redirection = visit  # type: ignore[attr-defined]
    return visit


def _visit(request: HttpRequest, settings: Conf) -> Visit:
    try:
        host = settings.legacy_hosts.parse(request.get_host())
    except DisallowedHost:
        host = None
    if host is None:
        return Visit(decide(Facts(legacy=False)))
    hints = _hints(request)
    exempt = is_exempt(request.path_info, settings.exempt_paths)
    page_load = not exempt and is_page_load(hints)
    # A background call is never moved, but it shows that somebody is at work.
    if not page_load and not is_background_call(hints):
        return Visit(decide(Facts(legacy=True, exempt=exempt, page_load=page_load)), host=host)
    held = switches.held()
    remembered = legacy_sessions.remembered_tenant(settings, request.COOKIES)
    tenant = _tenant(request, host, held, remembered)
    now = time.time_ns() // 1_000_000
    session = legacy_sessions.read(settings, request.COOKIES, tenant.tid) if tenant else None
    running = session is not None and session.is_running(
        now, settings.session_idle * 1000, settings.session_limit * 1000
    )
    facts = Facts(
        legacy=True,
        exempt=exempt,
        page_load=page_load,
        loaded=held.loaded,
        tenant=tenant,
        destination=tenant is not None and settings.destination(tenant.cloud) is not None,
        session=session,
        session_runs=running,
    )
    return Visit(
        decide(facts),
        now,
        host,
        tenant,
        session,
        running,
        remembered=tenant is not None and tenant.tid == remembered,
        stale=switches.is_stale(),
        page_load=page_load,
    )


def _hints(request: HttpRequest) -> PageLoadHints:
    meta = request.META
    return PageLoadHints(
        method=request.method or "",
        fetch_mode=meta.get("HTTP_SEC_FETCH_MODE"),
        fetch_dest=meta.get("HTTP_SEC_FETCH_DEST"),
        requested_with=meta.get("HTTP_X_REQUESTED_WITH"),
        accept=meta.get("HTTP_ACCEPT"),
    )


def _tenant(
    request: HttpRequest, host: LegacyHost, held: switches.Held, remembered: str
) -> Tenant | None:
    """The tenant visited: ``tid`` names it, else the host, else it is the one visited last.

    Facts on the portals, "Hosts": ``tid`` names the tenant a guest visits, and it is the
    tenant the destination will show.
    """
    query = request.META.get("QUERY_STRING", "")
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
