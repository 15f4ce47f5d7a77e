"""Requests as a browser makes them that opens a page, as WSGI servers hand them over."""

from __future__ import annotations

import io
from collections.abc import Callable
from itertools import cycle
from typing import Any, NamedTuple
from wsgiref.types import WSGIApplication

Environ = dict[str, Any]

DESTINATION = "https://security.example.org"
HEADERS = {
    "HTTP_ACCEPT": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "HTTP_SEC_FETCH_DEST": "document",
    "HTTP_SEC_FETCH_MODE": "navigate",
}


def page_load(host: str, path: str, query: str = "", cookie: str = "") -> Environ:
    """The environ of one page load; a copy of it may be served, as an answer may change it."""
    cookies = {"HTTP_COOKIE": cookie} if cookie else {}
    return {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "443",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": host,
        **HEADERS,
        **cookies,
        "wsgi.url_scheme": "https",
        "wsgi.input": io.BytesIO(),
    }


class Served(NamedTuple):
    """What answers, and the requests it is asked, one after another and again from the start."""

    application: WSGIApplication
    environs: list[Environ]

    def asked(self) -> Callable[[], object]:
        """One request, each time it is called."""
        application, environs = self.application, cycle(self.environs)

        def once() -> None:
            answered = application(dict(next(environs)), start_response)
            getattr(answered, "close", nothing_to_close)()

        return once

    def check(self) -> None:
        """Raises SystemExit unless the first request is answered with a redirect."""
        started: list[tuple[str, list[tuple[str, str]]]] = []

        def start(status: str, headers: list[tuple[str, str]], *_: object) -> Any:
            started.append((status, headers))

        answered = self.application(dict(self.environs[0]), start)
        getattr(answered, "close", nothing_to_close)()
        [(status, headers)] = started
        # A permanent one is what some peers give.
        if status[:3] not in ("301", "302") or DESTINATION not in dict(headers)["Location"]:
            raise SystemExit(f"It answered with {status}, {headers}.")


def start_response(status: str, headers: list[tuple[str, str]], *_: object) -> Any:
    """The server's side of WSGI, which costs nothing here."""


def nothing_to_close() -> None:
    """An answer may have no end of its own."""
