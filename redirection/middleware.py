"""Gather facts, decide, answer. No query on this path."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import cast
from urllib.parse import quote, urlencode

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.utils.cache import patch_cache_control
from django.utils.encoding import escape_uri_path

from redirection import (
    counted_links,
    counted_loads,
    form_chains,
    legacy_sessions,
    loops,
    reports,
    switches,
    traffic,
)
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
        answered = answer(request, visit)
        if answered is not None:
            return answered
        return stay(request, cast("HttpResponseBase", self.get_response(request)), visit)

    async def __acall__(self, request: HttpRequest) -> HttpResponseBase:
        visit = arrive(request)
        answered = answer(request, visit)
        if answered is not None:
            return answered
        response = await cast("Awaitable[HttpResponseBase]", self.get_response(request))
        return stay(request, response, visit)


def answer(request: HttpRequest, visit: Visit, *, counts: bool = True) -> HttpResponse | None:
    """The answer to a request that does not reach the legacy portal; None for one that does.

    ``counts``: the request is a real one.
    """
    if visit.decision.refuse:
        return refuse(visit)
    if visit.decision.go and visit.tenant is not None:
        return go(request, visit, visit.tenant, counts=counts)
    return None


def refuse(visit: Visit) -> HttpResponse:
    """The empty answer to a prefetch or prerender: the browser drops it and asks again."""
    response = HttpResponse(status=HTTPStatus.SERVICE_UNAVAILABLE)
    response["Cache-Control"] = "no-store"
    response["Content-Length"] = "0"
    response[HEADER] = visit.header
    return response


def go(request: HttpRequest, visit: Visit, tenant: Tenant, *, counts: bool) -> HttpResponse:
    """The redirect to the tenant's destination origin, counted where ``counts`` says so."""
    link = link_of(request, tenant)
    if counts and visit.is_counted:
        counted_links.count_load(
            tenant.tid, visit.now, escape_uri_path(request.path), link, Answer.REDIRECTED
        )
    response = redirect_to(link, request, visit, tenant)
    _note_return(response, visit)
    if form_chains.is_part_of(conf(), request.COOKIES):
        return form_chains.lead_on(conf(), request, response)
    return response


def link_of(request: HttpRequest, tenant: Tenant) -> DeepLink:
    """The counterpart of the page this request asks for, as far as a server knows it."""
    # get_full_path() and never path_info: "@evil.example" would become part of the host.
    path, _, query = request.get_full_path().partition("?")
    return destination_for(path, query, "", tenant.tid, switches.held().rules, tenant.cloud)


def redirect_to(link: DeepLink, request: HttpRequest, visit: Visit, tenant: Tenant) -> HttpResponse:
    """The redirect to ``link`` on the tenant's destination origin, with its headers."""
    response = HttpResponseRedirect(location(request, tenant, link, visit.now))
    response["Cache-Control"] = "no-store"
    response["Content-Length"] = "0"
    response[HEADER] = visit.header
    _remember(response, visit)
    return response


def stay(request: HttpRequest, response: HttpResponseBase, visit: Visit) -> HttpResponseBase:
    """Let through; begin or renew the legacy session.

    An answer with ``renews_no_session = True`` is to a page that asks by itself: nobody need be
    there.
    """
    if visit.host is None or visit.tenant is None:
        return response
    if visit.page_load:
        say_why(response, visit)
        _note_return(response, visit)
        if visit.is_counted and _is_page(response.status_code):
            path, tid = escape_uri_path(request.path), visit.tenant.tid
            link = switches.held().link(path, tid=tid)
            counted_links.count_load(tid, visit.now, path, link, Answer.KEPT)
    settings = conf()
    if visit.tenant.on and form_chains.is_sent_on(visit.request_class, response):
        form_chains.note(settings, response)
    session = visit.session_after(settings)
    # A sign-out that has just ended the session has the last word.
    ended = legacy_sessions.cookie_name(settings, visit.tenant.tid) in response.cookies
    unasked = getattr(response, "renews_no_session", False)
    if session is None or ended or unasked:
        return response
    written = session is not visit.session
    if written:
        # No cache may hand the cookie to somebody else.
        patch_cache_control(response, private=True)
        legacy_sessions.write(settings, response, session, visit.host.domain)
    # Only a cookie that came back shows that a browser is there, and no robot that keeps none.
    if visit.running and (written or session.seen == session.started):
        traffic.mark(session.tid, session.started, session.seen)
    return response


def say_why(response: HttpResponseBase, visit: Visit) -> None:
    """The headers of a page that stays."""
    response[HEADER] = visit.header
    # The page says when its tab began and when redirection was switched: a copy would lie.
    patch_cache_control(response, private=True, no_cache=True)
    # Ahead of time nobody has visited anything.
    if not visit.is_ahead_of_time:
        _remember(response, visit)


def hand_over_address(tid: str, page: str) -> str:
    """Path and query of the hand-over page for ``page``, path and query of a legacy page."""
    return _hand_over(tid, page)


def _is_page(status: int) -> bool:
    """Whether an answer of the legacy portal is a page; where it sends on, the next one is."""
    return HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES or (
        status == HTTPStatus.NOT_MODIFIED
    )


def location(request: HttpRequest, tenant: Tenant, link: DeepLink, now: int) -> str:
    """The address on the tenant's destination that this request goes to at ``now`` (ms)."""
    origin, tid = conf().destination(tenant.cloud), tenant.tid
    if link.route and link.counterpart is Counterpart.EXACT:
        found = f"{origin}{link.target}"
    else:
        # A shell page may carry a fragment that only the browser knows, and a page without an
        # exact counterpart owes the person a word: both go by way of the hand-over page.
        counted = _claim(request, tid, now)
        found = f"{origin}{_hand_over(tid, request.get_full_path(), counted)}"
    if len(found) <= LONGEST_LOCATION:
        return found
    # Without its filters the link still leads to the right page.
    path = request.get_full_path().partition("?")[0]
    shorter = f"{origin}{_hand_over(tid, path, _claim(request, tid, now))}"
    return shorter if len(shorter) <= LONGEST_LOCATION else f"{origin}{_hand_over(tid, '/')}"


def _claim(request: HttpRequest, tid: str, now: int) -> str:
    """That this load was counted as redirected, and its page may still get known."""
    if request.method != "GET":
        return ""
    path = request.get_full_path().partition("?")[0]
    return counted_loads.claim(conf(), tid, path, now)


def _hand_over(tid: str, address: str, counted: str = "") -> str:
    parameters = {"tid": tid, "from": address} | ({"counted": counted} if counted else {})
    return f"{conf().hand_over_path}?{urlencode(parameters, safe='/', quote_via=quote)}"


def _note_return(response: HttpResponseBase, visit: Visit) -> None:
    if visit.returns:
        loops.note(conf(), response, visit.returns)


def _remember(response: HttpResponseBase, visit: Visit) -> None:
    if visit.host is not None and visit.tenant is not None and not visit.remembered:
        legacy_sessions.remember_tenant(conf(), response, visit.tenant.tid, visit.host.domain)
