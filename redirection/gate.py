"""The gate: the decision as an HTTP endpoint, for a proxy in front of a portal that is not ours.

The protocol is described in docs/gate.md. What the proxy tells comes in headers whose names have
no hyphen: no client can write another name that a WSGI server takes for the same one. A proxy
shows with a key that it is the one; X-Forwarded-* and its kind are never read, nor a body.
"""

from __future__ import annotations

import hmac
import logging
from dataclasses import dataclass
from http import HTTPStatus
from time import time
from typing import Any
from urllib.parse import quote

from redirection import answers, form_chains, load_notes
from redirection.answers import HEADER, Answer, Headers
from redirection.conf import Conf, conf
from redirection.decisions import Reason
from redirection.legacy_requests import LegacyRequest
from redirection.locations import LONGEST_LOCATION
from redirection.rare_logs import Rarely
from redirection.received_requests import of_target
from redirection.set_cookies import Cookie
from redirection.visits import Visit, visit_now

PATH = "/redirection/gate"
LEAD_ON_PATH = "/redirection/lead-on"
# In the place of a reason where nothing was decided.
PLAIN_HTTP, BAD_CALL, BAD_TARGET = "plain_http", "bad_call", "bad_target"
GATE_ERROR = "gate_error"
# Longer ones pass no proxy's usual limits (nginx: a buffer of 32 kB in deploy/), and take time.
_LONGEST_TARGET = 32_768
_ASKS_WITH = ("GET", "HEAD")
_REDIRECTS = {"": HTTPStatus.FOUND, "302": HTTPStatus.FOUND, "401": HTTPStatus.UNAUTHORIZED}
_NOT_STORED = ("Cache-Control", "no-store")
_EMPTY = ("Content-Length", "0")

logger = logging.getLogger(__name__)
_without_key, _failures = Rarely(), Rarely()


@dataclass(frozen=True, slots=True)
class _Call:
    """What the proxy tells. ``redirect`` is the status that it takes for "not here"."""

    method: str
    host: str
    target: str
    scheme: str
    redirect: HTTPStatus


def is_call(path: str) -> bool:
    """Whether a request for ``path`` is for the gate, and the gate is on."""
    return path == PATH and bool(conf().gate_keys)


def answer_call(environ: dict[str, Any]) -> Answer:
    """The answer to a call of the gate, whose headers stand in ``environ``. Never raises."""
    try:
        return _answer(environ, conf())
    except Exception:
        if _failures.is_due():
            logger.exception("The gate failed, requests are let through")
        return _no_answer(GATE_ERROR)


def _answer(environ: dict[str, Any], settings: Conf) -> Answer:
    if not _has_key(environ.get("HTTP_GATEKEY", ""), settings):
        if _without_key.is_due():
            logger.warning("A call of the gate without its key was refused")
        return Answer(HTTPStatus.FORBIDDEN, [_NOT_STORED, _EMPTY], [])
    if environ["REQUEST_METHOD"] not in _ASKS_WITH:
        headers = [("Allow", ", ".join(_ASKS_WITH)), _NOT_STORED, _EMPTY, (HEADER, BAD_CALL)]
        return Answer(HTTPStatus.METHOD_NOT_ALLOWED, headers, [])
    call = _call(environ)
    if call is None:
        return Answer(HTTPStatus.BAD_REQUEST, [_NOT_STORED, _EMPTY, (HEADER, BAD_CALL)], [])
    if not 0 < len(call.target) <= _LONGEST_TARGET:
        # Empty: some servers (granian) leave a header empty that has a byte of 0x80 or more.
        return _let_through(BAD_TARGET)
    if call.scheme == "http" and settings.session_cookie_secure:
        # No browser sends the session over plain http, and the proxy sends it on to https.
        return _let_through(PLAIN_HTTP)
    request = of_target(call.method, call.host, call.target, environ)
    visit = visit_now(request)
    if visit.decision.reason is Reason.NOTHING_KNOWN:
        return _no_answer(visit.header)
    if visit.decision.refuse:
        return Answer(HTTPStatus.FORBIDDEN, _own_headers(answers.refuse(visit)), [])
    if visit.decision.go and visit.tenant is not None:
        found = answers.go(request, visit, visit.tenant, settings)
        return _redirect(request, found, call.redirect, settings)
    return _stay(request, visit, settings)


def _has_key(given: str, settings: Conf) -> bool:
    sent = given.encode("latin-1", "replace")
    # All of them are compared, so that the time tells nothing.
    matches = [hmac.compare_digest(sent, key) for key in settings.gate_keys]
    return any(matches)


def _call(environ: dict[str, Any]) -> _Call | None:
    """What the proxy tells; None where something is missing, or said twice.

    A header that comes twice is one value with a comma. A target may have commas of its own: it
    names a page, and whatever it names, the answer points at the destination.
    """
    method, host, scheme, answer = (
        environ.get(f"HTTP_GATE{name}", "") for name in ("METHOD", "HOST", "SCHEME", "ANSWER")
    )
    target = environ.get("HTTP_GATETARGET")
    if not (method and host) or target is None or "," in f"{method}{host}":
        return None
    if scheme not in ("", "http", "https") or answer not in _REDIRECTS:
        return None
    return _Call(method.upper(), host, target, scheme, _REDIRECTS[answer])


def _redirect(request: LegacyRequest, found: Answer, status: HTTPStatus, settings: Conf) -> Answer:
    address = dict(found.headers)["Location"]
    if form_chains.is_part_of(settings, request.cookies):
        address = _lead_on(request)
    named = [("Location", address), ("Redirection-Location", address)]
    headers = [*named, *_own_headers(found), *_numbered(found.cookies)]
    return Answer(status, headers, found.cookies)


def _own_headers(found: Answer) -> Headers:
    """The headers of the middleware's answer that mean the same here."""
    return [header for header in found.headers if header[0] not in ("Content-Type", "Location")]


def _lead_on(request: LegacyRequest) -> str:
    """The page of this host that leads on: no body comes through a proxy's gate."""
    for page in (request.target, request.page):
        address = f"{LEAD_ON_PATH}?page={quote(page, safe='/')}"
        if len(address) <= LONGEST_LOCATION:
            return address
    return LEAD_ON_PATH


def _stay(request: LegacyRequest, visit: Visit, settings: Conf) -> Answer:
    if visit.host is None or visit.tenant is None:
        return _let_through(visit.header)
    # What the portal answers, nobody here will see.
    if visit.page_load:
        answers.count_kept(request, visit, visit.tenant)
    renewed = answers.renewal(visit, settings)
    if renewed is not None:
        answers.mark(visit, renewed)
    addition = answers.unseen_addition(visit, renewed, settings)
    headers: Headers = [("Redirection-Page-Decision", value) for _, value in addition.headers]
    if addition.cache_control:
        headers.append(("Redirection-Cache-Control", ", ".join(addition.cache_control)))
    timing = load_notes.server_timing(visit)
    if timing is not None:
        # For the portal script in a page that is not ours.
        headers.append(("Redirection-Server-Timing", timing))
    form_cookie = answers.form_cookie(visit, settings)
    if form_cookie is not None:
        headers.append(("Redirection-Form-Cookie", form_cookie.text(time())))
    headers += _numbered(addition.cookies)
    return _let_through(visit.header, headers)._replace(cookies=addition.cookies)


def _no_answer(decision: str) -> Answer:
    """What lets a proxy take its last answer: here is none that may replace it."""
    headers = [_NOT_STORED, _EMPTY, (HEADER, decision)]
    return Answer(HTTPStatus.SERVICE_UNAVAILABLE, headers, [])


def _let_through(decision: str, headers: Headers | None = None) -> Answer:
    return Answer(HTTPStatus.NO_CONTENT, [_NOT_STORED, (HEADER, decision), *(headers or [])], [])


def _numbered(cookies: list[Cookie]) -> Headers:
    # Some proxies see but the first Set-Cookie of an answer.
    now = time()
    return [
        (f"Redirection-Cookie-{number}", cookie.text(now))
        for number, cookie in enumerate(cookies, start=1)
    ]
