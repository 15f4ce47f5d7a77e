"""The WSGI door: redirects, and calls of the gate, are answered before Django is asked.

The decision, the answer and what is counted are those of the middleware, which stays in place:
whatever is not answered here goes on to it, with the visit found.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from http import HTTPStatus
from io import BytesIO
from time import time
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication

from django.conf import settings as site_settings

from redirection import answers, form_chains, gate
from redirection.answers import Answer, Headers
from redirection.conf import conf
from redirection.locations import way_of
from redirection.middleware import PROBE, VISIT
from redirection.rare_logs import Rarely
from redirection.received_requests import Environ, of_environ
from redirection.visits import visit_now

logger = logging.getLogger(__name__)


def with_door(application: WSGIApplication) -> WSGIApplication:
    """``application`` (Django's) behind the door: ``with_door(get_wsgi_application())``."""
    return _Door(application)


class _Door:
    def __init__(self, application: WSGIApplication) -> None:
        self._application = application
        self._on_redirects, self._on_refusals = SiteHeaders(application), SiteHeaders(application)
        self._failures = Rarely()
        self._asks_for_https = bool(site_settings.SECURE_SSL_REDIRECT)
        self._proxy_says_https = bool(site_settings.SECURE_PROXY_SSL_HEADER)

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        try:
            found = self._answer(environ)
        except Exception:
            if self._failures.is_due():
                logger.exception("The door failed, Django answers")
            found = None
        if found is None:
            return self._application(environ, start_response)
        headers = _headers(found) if found.cookies else found.headers
        start_response(_STATUS_LINES[found.status], headers)
        return []

    def _answer(self, environ: dict[str, Any]) -> Answer | None:
        """The answer; None for what Django answers."""
        if environ.get("PATH_INFO") == gate.PATH and gate.is_call(gate.PATH):
            return gate.answer_call(environ)
        request = of_environ(environ)
        visit = environ[VISIT] = visit_now(request)
        decision = visit.decision
        if not decision.go and not decision.refuse:
            return None
        is_secure = environ["wsgi.url_scheme"] == "https"
        if self._proxy_says_https:
            is_secure = Environ(environ).is_secure()
        if self._asks_for_https and not is_secure:
            # Django sends it on to https first.
            return None
        if decision.refuse:
            return self._on_refusals.put_on(answers.refuse(visit), environ, is_secure)
        settings, tenant = conf(), visit.tenant
        if tenant is None or form_chains.is_part_of(settings, visit.cookies):
            # A page leads on, and Django renders it.
            return None
        way = way_of(request, tenant, settings)
        found = answers.redirect_to(way, visit, tenant, settings)
        redirect = self._on_redirects.put_on(found, environ, is_secure)
        if redirect is not None:
            answers.count_redirected(visit, tenant, way)
        return redirect


class SiteHeaders:
    """The headers that the site's other middleware gives every answer of one status.

    They are asked for once, of the middleware itself: an answer goes through all of it, as if
    the redirection middleware had given it. Asked twice, so that a header which is never the
    same twice is found; where there is one, or a cookie, Django has to answer every time.
    """

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application
        self._known: dict[bool, Headers | None] = {}

    def put_on(self, answer: Answer, environ: dict[str, Any], is_secure: bool) -> Answer | None:
        """``answer`` with the site's headers; None where they cannot be told beforehand."""
        known = self._known
        if is_secure not in known:
            known[is_secure] = self._asked(answer, environ)
        added = known[is_secure]
        if added is None:
            return None
        answer.headers += added
        return answer

    def _asked(self, answer: Answer, environ: dict[str, Any]) -> Headers | None:
        probe = Answer(answer.status, answer.headers, [])
        first, second = (self._through_the_site(probe, environ) for _ in range(2))
        status, headers = first
        own = probe.headers
        added = [header for header in headers if header not in own]
        names = [name.lower() for name, _ in headers]
        if first != second or status != _STATUS_LINES[probe.status] or headers[: len(own)] != own:
            problem = "changes the answer, or adds a header that is never the same"
        elif "set-cookie" in names or len(set(names)) < len(names):
            problem = "adds a cookie, or a header twice"
        else:
            return added
        logger.warning("Django answers all redirects itself: a middleware of the site %s", problem)
        return None

    def _through_the_site(self, probe: Answer, environ: dict[str, Any]) -> tuple[str, Headers]:
        started: list[tuple[str, Headers]] = []

        def start_response(status: str, headers: Headers, *_: object) -> Callable[[bytes], object]:
            started.append((status, headers))
            return lambda _body: None

        asked = {**environ, PROBE: probe, "wsgi.input": BytesIO()}
        body = self._application(asked, start_response)
        getattr(body, "close", lambda: None)()
        return started[0]


# Put together beforehand: an enumeration takes its time to say its value.
_STATUS_LINES = {status: f"{status.value} {status.phrase}" for status in HTTPStatus}


def _headers(answer: Answer) -> Headers:
    now = time()
    return answer.headers + [("Set-Cookie", cookie.text(now)) for cookie in answer.cookies]
