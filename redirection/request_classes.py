"""Which kinds of requests there are, and what each may do. docs/requests.md shows the table.

Pure: what a request says about itself in, its class out. Only what browsers say counts
(Fetch Metadata, RFC 9110), never the name of a program.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from redirection.accept_headers import accepts_html
from redirection.memories import Memory


class PageLoadHints(NamedTuple):
    """What a request says about itself; None where the header is missing.

    ``purposes`` are the values of Sec-Purpose, Purpose, X-Purpose and X-Moz, joined.
    """

    method: str
    fetch_mode: str | None = None
    fetch_dest: str | None = None
    requested_with: str | None = None
    accept: str | None = None
    purposes: str = ""
    upgrade: str | None = None
    service_worker: str | None = None
    content_type: str = ""


class RequestClass(StrEnum):
    """What a request is."""

    PAGE_LOAD = "page_load"
    OLD_BROWSER = "old_browser"
    COMMAND_LINE = "command_line"
    HEAD = "head"
    AHEAD_OF_TIME = "ahead_of_time"
    PASSED_ON = "passed_on"
    EMBEDDED = "embedded"
    FORM_POST = "form_post"
    UPLOAD = "upload"
    FETCH = "fetch"
    EVENT_STREAM = "event_stream"
    WEB_SOCKET = "web_socket"
    WORKER_SCRIPT = "worker_script"
    SUBRESOURCE = "subresource"
    API_CLIENT = "api_client"
    OTHER_METHOD = "other_method"


@dataclass(frozen=True, slots=True)
class Treatment:
    """What a class of requests may do.

    ``moves``: it may be redirected. ``begins``: it begins a legacy session while redirection
    is off. ``renews``: it keeps a running one alive. ``counted``: as a page load.
    """

    moves: bool = False
    begins: bool = False
    renews: bool = False
    counted: bool = False


_PAGE = Treatment(moves=True, begins=True, renews=True, counted=True)
_AT_WORK = Treatment(renews=True)
_NOTHING = Treatment()

TREATMENTS: dict[RequestClass, Treatment] = {
    RequestClass.PAGE_LOAD: _PAGE,
    RequestClass.OLD_BROWSER: _PAGE,
    # Behind a proxy that removes headers a browser says no more than this.
    RequestClass.COMMAND_LINE: _PAGE,
    RequestClass.HEAD: Treatment(moves=True),
    # It would go, so it is refused: see decide().
    RequestClass.AHEAD_OF_TIME: Treatment(moves=True),
    # A download, a frame or a page of a tab, and nothing says which: the portal script moves
    # a page, and a session begins because it may be one.
    RequestClass.PASSED_ON: Treatment(begins=True, renews=True),
    RequestClass.EMBEDDED: _AT_WORK,
    RequestClass.FORM_POST: _AT_WORK,
    RequestClass.UPLOAD: _AT_WORK,
    RequestClass.FETCH: _AT_WORK,
    # Streams and sockets connect again by themselves, with nobody there.
    RequestClass.EVENT_STREAM: _NOTHING,
    RequestClass.WEB_SOCKET: _NOTHING,
    RequestClass.WORKER_SCRIPT: _NOTHING,
    # Shared caches keep these, and must never keep a cookie with them.
    RequestClass.SUBRESOURCE: _NOTHING,
    RequestClass.API_CLIENT: _NOTHING,
    RequestClass.OTHER_METHOD: _NOTHING,
}

_SAFE = ("GET", "HEAD")
_UNSAFE = ("POST", "PUT", "PATCH", "DELETE")
_FRAMES = ("iframe", "frame", "embed", "object", "fencedframe")
# A style or script fetched ahead is a part of a page, as ever.
_OF_PAGES = (None, "", "document", "empty")
_WORKERS = ("serviceworker", "worker", "sharedworker")
# Of navigations; whatever else navigates is a part of a page.
_BY_DESTINATION = {
    "document": RequestClass.PAGE_LOAD,
    # A service worker that passes a navigation on, and <a download> (seen in Chromium).
    "empty": RequestClass.PASSED_ON,
    **dict.fromkeys(_FRAMES, RequestClass.EMBEDDED),
    **dict.fromkeys(_WORKERS, RequestClass.WORKER_SCRIPT),
}
_PART_OF_A_PAGE = RequestClass.SUBRESOURCE


def request_class(hints: PageLoadHints) -> RequestClass:
    """What a request is. Every request is something; what says nothing may do nothing."""
    if hints.method not in _SAFE:
        return _sending(hints)
    if hints.fetch_mode == "websocket" or (hints.upgrade or "").lower() == "websocket":
        return RequestClass.WEB_SOCKET
    if hints.fetch_dest in _OF_PAGES and _is_ahead_of_time(hints.purposes):
        return RequestClass.AHEAD_OF_TIME
    if hints.service_worker == "script" or hints.fetch_dest in _WORKERS:
        return RequestClass.WORKER_SCRIPT
    if hints.fetch_mode is None and hints.fetch_dest is None:
        found = _without_fetch_metadata(hints)
    else:
        found = _with_fetch_metadata(hints)
    if TREATMENTS[found].moves and hints.method == "HEAD":
        return RequestClass.HEAD
    return found


def hints_of(method: str, headers: Mapping[str, Any]) -> PageLoadHints:
    """What a request says about itself in its ``headers``, named as in WSGI."""
    return PageLoadHints(
        method=method,
        fetch_mode=headers.get("HTTP_SEC_FETCH_MODE"),
        fetch_dest=headers.get("HTTP_SEC_FETCH_DEST"),
        requested_with=headers.get("HTTP_X_REQUESTED_WITH"),
        accept=headers.get("HTTP_ACCEPT"),
        purposes=" ".join(headers[name] for name in _PURPOSES if name in headers),
        upgrade=headers.get("HTTP_UPGRADE"),
        service_worker=headers.get("HTTP_SERVICE_WORKER"),
        content_type=headers.get("CONTENT_TYPE", ""),
    )


# The first is today's; the others are those of older browsers.
_PURPOSES = ("HTTP_SEC_PURPOSE", "HTTP_PURPOSE", "HTTP_X_PURPOSE", "HTTP_X_MOZ")
# Of all browsers there are few such headers; so many are kept, each of so many characters.
_KEPT, _LONGEST_KEPT = 1_024, 300


def class_of(method: str, headers: Mapping[str, Any]) -> RequestClass:
    """The class of a request with these ``headers``, named as in WSGI: few are ever different."""
    # Written out, because it is asked with every request.
    if (
        "HTTP_SEC_PURPOSE" in headers
        or "HTTP_PURPOSE" in headers
        or "HTTP_X_PURPOSE" in headers
        or "HTTP_X_MOZ" in headers
        or "HTTP_UPGRADE" in headers
        or "HTTP_SERVICE_WORKER" in headers
        or method not in _SAFE
    ):
        return request_class(hints_of(method, headers))
    get = headers.get
    mode, destination = get("HTTP_SEC_FETCH_MODE"), get("HTTP_SEC_FETCH_DEST")
    if mode == "navigate" and method == "GET":
        return _BY_DESTINATION.get(destination or "", _PART_OF_A_PAGE)
    accept = get("HTTP_ACCEPT")
    return _of_these[method, mode, destination, accept, "HTTP_X_REQUESTED_WITH" in headers]


def _class_of_these(asked: tuple[str, str | None, str | None, str | None, bool]) -> RequestClass:
    method, mode, destination, accept, by_script = asked
    requested_with = "XMLHttpRequest" if by_script else None
    return request_class(PageLoadHints(method, mode, destination, requested_with, accept))


_of_these = Memory(_class_of_these, _KEPT, _LONGEST_KEPT)


def is_page_load(hints: PageLoadHints) -> bool:
    """Whether a browser asks for a page of its own in a tab (promise 1), now or ahead of time."""
    return TREATMENTS[request_class(hints)].moves


def _sending(hints: PageLoadHints) -> RequestClass:
    if hints.method not in _UNSAFE:
        return RequestClass.OTHER_METHOD
    if hints.method == "PUT" or hints.content_type.lower().startswith("multipart/"):
        return RequestClass.UPLOAD
    # An old browser says nothing about a form.
    is_form = hints.fetch_mode == "navigate" or (
        hints.fetch_mode is None and hints.requested_with is None
    )
    return RequestClass.FORM_POST if is_form and hints.method == "POST" else RequestClass.FETCH


def _with_fetch_metadata(hints: PageLoadHints) -> RequestClass:
    if hints.fetch_mode == "navigate":
        return _BY_DESTINATION.get(hints.fetch_dest or "", _PART_OF_A_PAGE)
    if _is_event_stream(hints.accept):
        return RequestClass.EVENT_STREAM
    if hints.fetch_dest == "empty" or hints.requested_with is not None:
        return RequestClass.FETCH
    return RequestClass.SUBRESOURCE


def _without_fetch_metadata(hints: PageLoadHints) -> RequestClass:
    if _is_event_stream(hints.accept):
        return RequestClass.EVENT_STREAM
    if hints.requested_with is not None:
        return RequestClass.FETCH
    if not accepts_html(hints.accept):
        return RequestClass.API_CLIENT
    named = "html" in (hints.accept or "").lower()
    return RequestClass.OLD_BROWSER if named else RequestClass.COMMAND_LINE


def _is_ahead_of_time(purposes: str) -> bool:
    # "prefetch;prerender" begins with the same word; older browsers say it in other headers.
    return bool(purposes) and any(
        word in purposes.lower() for word in ("prefetch", "prerender", "preview")
    )


def _is_event_stream(accept: str | None) -> bool:
    return accept is not None and accept.strip().lower().startswith("text/event-stream")
