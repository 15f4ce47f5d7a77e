"""Gather facts, decide, answer. No query on this path."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import cast
from urllib.parse import parse_qsl, quote, urlencode

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect

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
    is_exempt,
    is_page_load,
)
from redirection.deep_links import Counterpart, destination_for
from redirection.legacy_hosts import LegacyHost

HEADER = "Redirection-Decision"

GetResponse = Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]


@dataclass(frozen=True, slots=True)
class Visit:
    """The decision left on the request as ``request.redirection``, with what it rests on.

    ``now`` is the moment of the decision in milliseconds since the epoch; ``running`` says
    whether ``session`` was still running then.
    """

    decision: Decision
    now: int = 0
    host: LegacyHost | None = None
    tenant: Tenant | None = None
    session: LegacySession | None = None
    running: bool = False
    stale: bool = False

    @property
    def header(self) -> str:
        """Reason and revision as an RFC 8941 item: ``new_session;revision=41``."""
        parts = [str(self.decision.reason)]
        if self.tenant is not None:
            parts.append(f"revision={self.decision.revision}")
        if self.stale:
            parts.append("stale")
        return ";".join(parts)


class RedirectionMiddleware:
    """Answers a page load of the legacy portal with a redirect, or lets it through."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)
        switches.start()

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        if self.is_async:
            return self.__acall__(request)
        visit = arrive(request)
        if answer := redirect(request, visit):
            return answer
        return stay(cast("HttpResponseBase", self.get_response(request)), visit)

    async def __acall__(self, request: HttpRequest) -> HttpResponseBase:
        visit = arrive(request)
        if answer := redirect(request, visit):
            return answer
        return stay(await cast("Awaitable[HttpResponseBase]", self.get_response(request)), visit)


def arrive(request: HttpRequest) -> Visit:
    """Gather the facts, decide, and leave the visit on the request."""
    visit = _visit(request, conf())
    request.redirection = visit  # type: ignore[attr-defined]
    return visit


def redirect(request: HttpRequest, visit: Visit) -> HttpResponse | None:
    """The redirect to the destination; None to stay, also where no origin is configured."""
    if not visit.decision.go or visit.tenant is None:
        return None
    origin = conf().destination(visit.tenant.cloud)
    if origin is None:
        return None
    response = HttpResponseRedirect(origin + _target(request, visit.tenant.tid))
    response["Cache-Control"] = "no-store"
    response[HEADER] = visit.header
    return response


def stay(response: HttpResponseBase, visit: Visit) -> HttpResponseBase:
    """Let through; begin or renew the legacy session of a page load."""
    if visit.tenant is None or visit.host is None:
        return response
    response[HEADER] = visit.header
    session = _continued(visit, visit.tenant)
    if session is not None and session is not visit.session:
        legacy_sessions.write(conf(), response, session, visit.host.domain)
    return response


def hand_over_address(request: HttpRequest, tid: str) -> str:
    """Path and query of the hand-over page for the page this request asks for."""
    query = urlencode({"tid": tid, "from": request.get_full_path()}, safe="/", quote_via=quote)
    return f"{conf().hand_over_path}?{query}"


def _visit(request: HttpRequest, settings: Conf) -> Visit:
    try:
        host = settings.legacy_hosts.parse(request.get_host())
    except DisallowedHost:
        host = None
    if host is None:
        return Visit(decide(Facts(legacy=False)))
    if is_exempt(request.path_info, settings.exempt_paths):
        return Visit(decide(Facts(legacy=True, exempt=True)), host=host)
    if not is_page_load(_hints(request)):
        return Visit(decide(Facts(legacy=True, page_load=False)), host=host)
    held = switches.held()
    tenant = _tenant(request, settings, host, held)
    now = time.time_ns() // 1_000_000
    session = legacy_sessions.read(settings, request.COOKIES, tenant.tid) if tenant else None
    running = session is not None and session.is_running(
        now, settings.session_idle * 1000, settings.session_limit * 1000
    )
    facts = Facts(
        legacy=True,
        loaded=held.loaded,
        tenant=tenant,
        session=session,
        session_runs=running,
    )
    return Visit(decide(facts), now, host, tenant, session, running, held.stale)


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
    request: HttpRequest, settings: Conf, host: LegacyHost, held: switches.Held
) -> Tenant | None:
    """The tenant visited: the host names it, else ``tid``, else the session seen last."""
    if host.tenant is not None:
        return held.by_name.get(host.tenant)
    query = request.META.get("QUERY_STRING", "")
    if "tid=" in query:
        # The first one counts, as in the destination.
        for name, value in parse_qsl(query, max_num_fields=None):
            if name == "tid":
                return held.by_tid.get(value.lower())
    session = legacy_sessions.latest(settings, request.COOKIES)
    return held.by_tid.get(session.tid) if session else None


def _target(request: HttpRequest, tid: str) -> str:
    """Path and query on the destination origin."""
    # get_full_path() and never path_info: "@evil.example" would become part of the host.
    path, _, query = request.get_full_path().partition("?")
    link = destination_for(path, query, tid=tid)
    if link.route and link.counterpart is Counterpart.EXACT:
        return link.target
    # A shell page may carry a fragment that only the browser knows, and a page without an
    # exact counterpart owes the person a word: both go by way of the hand-over page.
    return hand_over_address(request, tid)


def _continued(visit: Visit, tenant: Tenant) -> LegacySession | None:
    """The session as it should be after this page load; the same object if nothing changes."""
    session = visit.session
    if visit.running and session is not None:
        if visit.now - session.seen <= legacy_sessions.RENEW_AFTER:
            return session
        return LegacySession(session.tid, session.started, visit.now)
    if visit.decision.reason is Reason.OFF:
        return LegacySession(tenant.tid, visit.now, visit.now)
    return session
