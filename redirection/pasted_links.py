"""A legacy link as somebody pastes it, taken apart. Pure: nothing is fetched, no Django."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import parse_qsl, unquote, urlsplit

_SCHEME = re.compile(r"[a-z][a-z0-9+.\-]*(?=:)", re.IGNORECASE)
_HOST_AND_PORT = re.compile(r"[^/?#:]*\.[^/?#:]*:[0-9]*(?=[/?#]|\Z)")
# Mailers and ticket systems encode a whole link.
_ENCODED_SCHEME = re.compile(r"https?%3a", re.IGNORECASE)
# What browsers leave out of an address (URL standard, "basic URL parser").
_LEFT_OUT = re.compile(r"[\t\n\r]")
# One half of a pair: no encoding has a place for it.
_SURROGATE = re.compile(r"[\ud800-\udfff]")


class Problem(StrEnum):
    """Why a text is no link that a browser would open as a page."""

    SCHEME = "scheme"
    HOST = "host"
    CHARACTERS = "characters"


class NotALink(ValueError):
    """The text is no link; ``problem`` says why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.value)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class PastedLink:
    """A link as it stands in the address bar. ``host`` (with port) is empty where it names none.

    ``path`` begins with a slash; ``query`` and ``fragment`` come without ``?`` and ``#``.
    """

    host: str
    path: str
    query: str
    fragment: str

    @property
    def tid(self) -> str | None:
        """The first ``tid`` parameter of the query, the one that counts; None without any."""
        return next((value for name, value in parse_qsl(self.query) if name == "tid"), None)

    @property
    def parameters(self) -> list[tuple[str, str]]:
        """The parameters of the page and of its hash route, in this order."""
        route_query = self.fragment.partition("?")[2]
        return [
            *parse_qsl(self.query, keep_blank_values=True),
            *parse_qsl(route_query, keep_blank_values=True),
        ]


def pasted_link(text: str) -> PastedLink:
    """``text`` as a link: a whole address with or without scheme, a path, or a ``#`` route.

    Raises NotALink for another scheme than http and https, a host or port that cannot be,
    and characters that no address has.
    """
    text = _LEFT_OUT.sub("", text).strip()
    if _ENCODED_SCHEME.match(text):
        text = unquote(text)
    if "\x00" in text or _SURROGATE.search(text):
        raise NotALink(Problem.CHARACTERS)
    address = _address(text)
    try:
        parts = urlsplit(address)
        # Reading the port checks it.
        cannot_be = parts.port == 0 or (parts.netloc and not parts.hostname)
    except ValueError:
        cannot_be = True
    if cannot_be:
        raise NotALink(Problem.HOST)
    path = parts.path if parts.path.startswith("/") else f"/{parts.path}"
    return PastedLink(parts.netloc.rpartition("@")[2], path, parts.query, parts.fragment)


def _address(text: str) -> str:
    """``text`` with everything before its path, so that it can be split in one way."""
    head = re.split(r"[?#]", text, maxsplit=1)[0]
    # Browsers read a backslash as a slash, except behind ? and #.
    text = head.replace("\\", "/") + text[len(head) :]
    if text.startswith("//"):
        return f"http:{text}"
    if text.startswith(("/", "?", "#")):
        return f"http://{text}"
    if text.startswith("[") or _HOST_AND_PORT.match(text):
        return f"http://{text}"
    scheme = _SCHEME.match(text)
    if scheme is None:
        first = re.split(r"[/?#]", text, maxsplit=1)[0]
        return f"http://{text}" if "." in first else f"http:///{text}"
    if scheme.group().lower() not in ("http", "https"):
        raise NotALink(Problem.SCHEME)
    rest = text[scheme.end() + 1 :].lstrip("/")
    if not rest:
        raise NotALink(Problem.HOST)
    return f"http://{rest}"
