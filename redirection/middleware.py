"""Gather facts, decide, answer. No query on this path."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import cast
from urllib.parse import quote, urlencode

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.utils.cache import patch_cache_control
from django.utils.encoding import escape_uri_path

from redirection import counted_loads, legacy_sessions, reports, switches, traffic
from redirection.conf import conf
from redirection.decisions import Tenant
from redirection.deep_links import Counterpart, DeepLink, destination_for
from redirection.traffic import Answer
from redirection.visits import Visit, arrive

HEADER = "Redirection-Decision"
# Longer addresses pass neither common proxies (nginx: 4 buffers of 8 kB) nor Django's redirect.
LONGEST_LOCATION = 16_000

GetResponse = Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]


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
        reports.start()

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        if self.is_async:
            return self.__acall__(request)
        visit = arrive(request)
        if visit.decision.go and visit.tenant is not None:
            return go(request, visit, visit.tenant)
        return stay(request, cast("HttpResponseBase", self.get_response(request)), visit)

    async def __acall__(self, request: HttpRequest) -> HttpResponseBase:
        visit = arrive(request)
        if visit.decision.go and visit.tenant is not None:
            return go(request, visit, visit.tenant)
        response = await cast("Awaitable[HttpResponseBase]", self.get_response(request))
        return stay(request, response, visit)


def go(request: HttpRequest, visit: Visit, tenant: Tenant) -> HttpResponse:
    """The redirect to the tenant's destination origin."""
    # get_full_path() and never path_info: "@evil.example" would become part of the host.
    path, _, query = request.get_full_path().partition("?")
    link = destination_for(path, query, tid=tenant.tid)
    response = HttpResponseRedirect(location(request, tenant, link))
    response["Cache-Control"] = "no-store"
    response["Content-Length"] = "0"
    response[HEADER] = visit.header
    _remember(response, visit)
    if request.method == "GET":
        traffic.count(tenant.tid, visit.now, traffic.route_at_first(link), Answer.REDIRECTED)
    return response


def stay(request: HttpRequest, response: HttpResponseBase, visit: Visit) -> HttpResponseBase:
    """Let through; begin or renew the legacy session."""
    if visit.host is None or visit.tenant is None:
        return response
    if visit.page_load:
        response[HEADER] = visit.header
        # The page says when its tab began and when redirection was switched: a copy would lie.
        patch_cache_control(response, private=True, no_cache=True)
        _remember(response, visit)
        if request.method == "GET" and _is_page(response.status_code):
            link = destination_for(escape_uri_path(request.path))
            traffic.count(visit.tenant.tid, visit.now, traffic.route_at_first(link), Answer.KEPT)
    settings = conf()
    session = visit.session_after(settings)
    # A sign-out that has just ended the session has the last word.
    ended = legacy_sessions.cookie_name(settings, visit.tenant.tid) in response.cookies
    if session is None or ended:
        return response
    written = session is not visit.session
    if written:
        legacy_sessions.write(settings, response, session, visit.host.domain)
    # Only a cookie that came back shows that a browser is there, and no robot that keeps none.
    if visit.running and (written or session.seen == session.started):
        traffic.mark(session.tid, session.started, session.seen)
    return response


def hand_over_address(request: HttpRequest, tid: str) -> str:
    """Path and query of the hand-over page for the page this request asks for."""
    return _hand_over(tid, request.get_full_path())


def _is_page(status: int) -> bool:
    """Whether an answer of the legacy portal is a page; where it sends on, the next one is."""
    return HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES or (
        status == HTTPStatus.NOT_MODIFIED
    )


def location(request: HttpRequest, tenant: Tenant, link: DeepLink) -> str:
    """The address on the tenant's destination that this request goes to."""
    origin, tid = conf().destination(tenant.cloud), tenant.tid
    if link.route and link.counterpart is Counterpart.EXACT:
        found = f"{origin}{link.target}"
    else:
        # A shell page may carry a fragment that only the browser knows, and a page without an
        # exact counterpart owes the person a word: both go by way of the hand-over page.
        counted = _claim(request, tid)
        found = f"{origin}{_hand_over(tid, request.get_full_path(), counted)}"
    if len(found) <= LONGEST_LOCATION:
        return found
    # Without its filters the link still leads to the right page.
    path = request.get_full_path().partition("?")[0]
    shorter = f"{origin}{_hand_over(tid, path, _claim(request, tid))}"
    return shorter if len(shorter) <= LONGEST_LOCATION else f"{origin}{_hand_over(tid, '/')}"


def _claim(request: HttpRequest, tid: str) -> str:
    """That this load was counted as redirected, and its page may still get known."""
    if request.method != "GET":
        return ""
    path = request.get_full_path().partition("?")[0]
    return counted_loads.claim(conf(), tid, path, time.time_ns() // 1_000_000)


def _hand_over(tid: str, address: str, counted: str = "") -> str:
    parameters = {"tid": tid, "from": address} | ({"counted": counted} if counted else {})
    return f"{conf().hand_over_path}?{urlencode(parameters, safe='/', quote_via=quote)}"


def _remember(response: HttpResponseBase, visit: Visit) -> None:
    if visit.host is not None and visit.tenant is not None and not visit.remembered:
        legacy_sessions.remember_tenant(conf(), response, visit.tenant.tid, visit.host.domain)
