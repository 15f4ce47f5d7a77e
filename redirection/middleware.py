"""Gather facts, decide, answer. No query on this path."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from http.cookies import SimpleCookie

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.http.response import ResponseHeaders
from django.utils.cache import patch_cache_control

from redirection import (
    answers,
    form_chains,
    gate,
    legacy_sessions,
    portal_script,
    refusals,
    reports,
    switches,
)
from redirection.answers import FOUND, Answer, Headers
from redirection.conf import conf
from redirection.legacy_requests import LegacyRequest
from redirection.received_requests import of_django
from redirection.response_headers import has_cache_control, put
from redirection.visits import Visit, visit_now

# Where the WSGI door leaves what it has found out already, see door.py. No header of a request
# can have these names.
VISIT = "redirection.visit"
PROBE = "redirection.probe"

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
        received = of_django(request)
        answered = answer(request, received)
        if answered is not None:
            return answered
        response = self.get_response(request)
        return stay(request, received, response)  # type: ignore[arg-type]  # no coroutine here

    async def __acall__(self, request: HttpRequest) -> HttpResponseBase:
        received = of_django(request)
        answered = answer(request, received)
        if answered is not None:
            return answered
        response = await self.get_response(request)  # type: ignore[misc]
        return stay(request, received, response)

    def process_exception(self, request: HttpRequest, error: Exception) -> None:
        """Whatever a view refuses is noted, also where it did not do so itself."""
        if isinstance(error, PermissionDenied):
            refusals.record(request, refusals.What.DENIED)


def answer(request: HttpRequest, received: LegacyRequest) -> HttpResponse | None:
    """The answer to a request that does not reach the legacy portal; None for one that does.

    The visit is left on the request as ``request.redirection``.
    """
    headers, path = received.headers, received.path
    if PROBE in headers:
        return response_of(headers[PROBE])
    if path == gate.PATH and gate.is_call(path):
        return response_of(gate.answer_call(request.META))
    if path == portal_script.PATH:
        return portal_script.serve(request)
    visit = headers.get(VISIT) or visit_now(received)
    request.redirection = visit  # type: ignore[attr-defined]
    return answer_visit(request, received, visit)


def answer_visit(
    request: HttpRequest, received: LegacyRequest, visit: Visit, *, counts: bool = True
) -> HttpResponse | None:
    """The answer to a visit that does not reach the legacy portal; None for one that does.

    ``counts``: the request is a real one.
    """
    if visit.decision.refuse:
        return response_of(answers.refuse(visit))
    if not visit.decision.go or visit.tenant is None:
        return None
    going = answers.go(received, visit, visit.tenant, conf(), counts=counts)
    response = response_of(going)
    if form_chains.is_part_of(conf(), visit.cookies):
        return form_chains.lead_on(conf(), request, response)
    return response


def response_of(found: Answer) -> HttpResponse:
    """An answer as Django's response."""
    if found.status == FOUND:
        response: HttpResponse = _Redirect(found.headers)
    else:
        headers = dict(found.headers)
        response = HttpResponse(status=found.status, headers=headers)
        if "Content-Type" not in headers:
            del response["Content-Type"]
    # Nothing is broken that Django would have to write into the log.
    response._has_been_logged = True  # type: ignore[attr-defined]  # noqa: SLF001
    for cookie in found.cookies:
        cookie.put_on(response)
    return response


_EMPTY = HttpResponse(content_type="text/plain")


class _Redirect(HttpResponseRedirect):
    """Django's own, a copy of an empty answer: to make one anew takes a tenth of a request.

    Nothing looks whether the address is one: its origin is configured.
    """

    def __init__(self, headers: Headers) -> None:
        self.__dict__ = vars(_EMPTY).copy()
        # Whatever can be changed is its own.
        self.headers = ResponseHeaders({})
        self.cookies = SimpleCookie()
        self._container = [b""]
        self._resource_closers: list[Callable[[], object]] = []
        put(self, headers)


def stay(
    request: HttpRequest, received: LegacyRequest, response: HttpResponseBase
) -> HttpResponseBase:
    """Let through; begin or renew the legacy session.

    An answer with ``renews_no_session = True`` is to a page that asks by itself: nobody need be
    there.
    """
    visit: Visit = request.redirection  # type: ignore[attr-defined]
    if visit.host is None or visit.tenant is None:
        return response
    settings = conf()
    status = response.status_code
    if visit.page_load:
        say_why(response, visit)
        if 200 <= status < 300 or status == _NOT_MODIFIED:
            answers.count_kept(received, visit, visit.tenant, settings)
    elif form_chains.is_sent_on(status):
        form_cookie = answers.form_cookie(visit, settings)
        if form_cookie is not None:
            form_cookie.put_on(response)
    renewed = answers.renewal(visit, settings)
    if renewed is None or getattr(response, "renews_no_session", False):
        return response
    # A sign-out that has just ended the session has the last word.
    if legacy_sessions.cookie_name(settings, visit.tenant.tid) in response.cookies:
        return response
    if renewed.cookie is not None:
        # No cache may hand the cookie to somebody else.
        _add_cache_control(response, ("private",))
        renewed.cookie.put_on(response)
    answers.mark(visit, renewed)
    return response


def say_why(response: HttpResponseBase, visit: Visit) -> None:
    """The headers of a page that stays."""
    addition = answers.page_addition(visit, conf())
    put(response, addition.headers)
    _add_cache_control(response, addition.cache_control)
    for cookie in addition.cookies:
        cookie.put_on(response)


def _add_cache_control(response: HttpResponseBase, directives: tuple[str, ...]) -> None:
    if has_cache_control(response):
        patch_cache_control(response, **dict.fromkeys(directives, True))
    else:
        # What Django writes, too, and it takes its time.
        put(response, [("Cache-Control", ", ".join(directives))])


# Where an answer sends on, the next one is the page.
_NOT_MODIFIED = int(HTTPStatus.NOT_MODIFIED)
