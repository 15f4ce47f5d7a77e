"""A request to a legacy host, as far as the decision and its answer rest on it.

Pure. Whoever received it, Django, the WSGI server or a proxy that asks the gate, fills it in:
see ``received_requests.py``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

# RFC 3986, 3.3 and 3.4, as far as Django leaves them alone (HttpRequest.get_full_path()).
_IN_PATH = "/:@&+$,-_.!~*'()"
_IN_QUERY = "/#%[]=:;$&()+,!?*@'~"
# Mostly there is nothing to encode.
_plain_path = re.compile(rf"[\w{re.escape(_IN_PATH)}]*", re.ASCII).fullmatch
_plain_query = re.compile(rf"[\w\-.{re.escape(_IN_QUERY)}]*", re.ASCII).fullmatch


class LegacyRequest:
    """One request, never changed.

    ``method`` is in upper case. ``path`` is decoded and without the prefix the site is mounted
    at, ``full_path`` with it; ``query`` is as it came. ``headers`` are named as in WSGI
    (``HTTP_ACCEPT``). ``host`` is the Host header, empty where this site does not serve it.
    Cookies are read from ``received`` by ``read_cookies`` when somebody asks for them.
    """

    # A plain class: a frozen dataclass takes thrice as long to make, and this is on every way.
    __slots__ = (
        "full_path", "headers", "host", "known_cookies", "method", "path", "query",
        "read_cookies", "received",
    )  # fmt: skip

    def __init__(
        self,
        method: str,
        path: str,
        full_path: str,
        query: str,
        headers: Mapping[str, Any],
        host: str,
        received: Any,
        read_cookies: Callable[[Any], Mapping[str, str]],
    ) -> None:
        self.method = method
        self.path = path
        self.full_path = full_path
        self.query = query
        self.headers = headers
        self.host = host
        self.received = received
        self.read_cookies = read_cookies
        self.known_cookies: Mapping[str, str] | None = None

    @property
    def cookies(self) -> Mapping[str, str]:
        """The cookies by name."""
        found = self.known_cookies
        if found is None:
            found = self.known_cookies = self.read_cookies(self.received)
        return found

    @property
    def cookies_unreadable(self) -> bool:
        """Whether the browser sent cookies of which the server hands over nothing.

        Some servers (granian) leave a header empty that has a byte of 0x80 or more. No browser
        sends an empty one.
        """
        if self.cookies or "HTTP_COOKIE" not in self.headers:
            return False
        # Django's test client always says that there are none, and is no server. Several such
        # headers leave nothing but what joins them.
        return not self.headers["HTTP_COOKIE"].strip("; ") and "SERVER_SOFTWARE" in self.headers

    @property
    def page(self) -> str:
        """The path, percent-encoded as it stands in addresses."""
        return encoded_path(self.full_path)

    @property
    def parameters(self) -> str:
        """The query, percent-encoded as it stands in addresses."""
        return encoded_query(self.query)

    @property
    def target(self) -> str:
        """Path and query, percent-encoded: what goes into addresses."""
        return f"{self.page}?{self.parameters}" if self.query else self.page


def encoded_path(path: str) -> str:
    """``path`` as it stands in addresses."""
    return path if _plain_path(path) else quote(path, safe=_IN_PATH)


def encoded_query(query: str) -> str:
    """``query`` as it stands in addresses."""
    return query if _plain_query(query) else quote(query, safe=_IN_QUERY)
