"""One deep link rule of the operator: what it matches, and where that leads. Pure.

The rule set that asks many of them is in ``rule_sets.py``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import quote, unquote

from redirection.link_parts import UNCHANGED
from redirection.routes import Counterpart

LONGEST_SOURCE = 500
LONGEST_TARGET = 1_000
LONGEST_QUERY = 500
LONGEST_NOTE = 200
# Each level costs one look at a dictionary.
MOST_SEGMENTS = 20


class Kind(StrEnum):
    """How a rule's source is compared with a legacy route."""

    EXACT = "exact"
    PREFIX = "prefix"
    PATTERN = "pattern"


class Part(StrEnum):
    """Where the legacy route stands: in the path, behind ``#``, or in either."""

    ANY = "any"
    PATH = "path"
    FRAGMENT = "fragment"


@dataclass(frozen=True, slots=True)
class LinkRule:
    """A rule as an operator writes it; ``number`` 0 is one that has no number yet.

    ``source`` is a legacy route, ``target`` path, query and fragment on the destination, or
    ``#/`` and a legacy route: an alias. ``query`` is in the notation of
    ``link_rule_queries.py``, ``cloud`` the key of a cloud, empty for all. ``line`` is where it
    stands in a file, 0 if it does not come from one.
    """

    number: int
    kind: str
    source: str
    target: str
    part: str = Part.ANY
    query: str = ""
    counterpart: str = Counterpart.EXACT
    cloud: str = ""
    enabled: bool = True
    note: str = ""
    line: int = 0

    @property
    def is_alias(self) -> bool:
        return self.target.startswith("#")

    @property
    def identity(self) -> tuple[str, str, str, str]:
        """What no two rules have in common."""
        return self.cloud, self.part, self.kind, self.source


def normal_source(kind: str, source: str) -> str:
    """``source`` as it is kept: with one leading slash and without ``#``.

    Upper and lower case, percent-encoding and doubled slashes make no difference to a route,
    so exact sources and prefixes are kept without them; patterns stay as they are written.
    No text at all stays none.
    """
    source = source.strip()
    if not source:
        return ""
    source = source.removeprefix("#").removeprefix("!")
    if kind == Kind.PATTERN:
        return source
    return "/" + "/".join(segments_of(source)[0])


def segments_of(route: str) -> tuple[list[str], list[str]]:
    """The segments of a route, as they are compared and as they came."""
    came = [segment for segment in route.split("/") if segment]
    return [unquote(segment).lower() for segment in came], came


# --- Patterns ----------------------------------------------------------------------------

_SPECIAL = frozenset(".^$*+?()[]{}|\\")
_QUANTIFIERS = frozenset("*+?{")


def literal_start(pattern: str) -> str:
    """The text every match of ``pattern`` begins with, as far as it is written plainly."""
    found: list[str] = []
    position = 0
    while position < len(pattern):
        character, length = pattern[position], 1
        if character == "\\" and not pattern[position + 1 : position + 2].isalnum():
            character, length = pattern[position + 1 : position + 2], 2
        elif character in _SPECIAL:
            break
        if pattern[position + length : position + length + 1] in _QUANTIFIERS or not character:
            break
        found.append(character)
        position += length
    return "".join(found)


def literal_segments(pattern: str) -> tuple[str, ...]:
    """The whole segments that every match of ``pattern`` begins with, as they are compared."""
    start = literal_start(pattern)
    if len(start) < len(pattern):
        start = start.rpartition("/")[0]
    return tuple(segments_of(start)[0])


def has_open_alternatives(pattern: str) -> bool:
    """Whether ``pattern`` has a ``|`` outside of parentheses: then it begins in several ways."""
    depth, position, in_class = 0, 0, False
    while position < len(pattern):
        character = pattern[position]
        if character == "\\":
            position += 1
        elif in_class:
            in_class = character != "]"
        elif character == "[":
            in_class = True
            # A bracket that comes first stands for itself.
            while pattern[position + 1 : position + 2] in ("^", "]"):
                position += 1
                if pattern[position] == "]":
                    break
        elif character == "(":
            depth += 1
        elif character == ")":
            depth -= 1
        elif character == "|" and depth <= 0:
            return True
        position += 1
    return False


# --- Targets -----------------------------------------------------------------------------

PLACEHOLDER = re.compile(r"\{([A-Za-z0-9_]+)\}")
# A captured text stays where it stands: in one segment of the path, in one parameter.
_IN_SEGMENT = UNCHANGED.replace("/", "").replace("?", "")
_IN_VALUE = "%!$'()*,-./:@_~"
# As browsers read them (URL standard, "double-dot path segment").
_DOTS = re.compile(r"(?:\.|%2e){1,2}", re.IGNORECASE)
_NO_TEXT = re.compile("[\udc80-\udcff]")
_ESCAPED_TEXT = re.compile(r"(?:%[89a-f][0-9a-f])+", re.IGNORECASE)


def readable(text: str) -> str:
    """``text`` with its percent-encoded letters beyond ASCII as letters, all else as it came."""
    return _ESCAPED_TEXT.sub(_decoded, text)


def _decoded(match: re.Match[str]) -> str:
    text = bytes.fromhex(match.group().replace("%", "")).decode(errors="surrogateescape")
    # Bytes that are no text stay encoded.
    return _NO_TEXT.sub(lambda byte: f"%{ord(byte.group()) - 0xDC00:02X}", text)


def placeholders(target: str) -> set[str]:
    """The names of the captures that ``target`` uses."""
    return set(PLACEHOLDER.findall(target))


def is_on_destination(target: str) -> bool:
    """Whether ``target`` is a page of whatever origin it is read on (promise 3)."""
    return (
        target.startswith("/")
        and target[1:2] not in ("/", "\\")
        and target.isascii()
        and target.isprintable()
        and not {" ", "\\"} & set(target)
        and not _has_dots(target)
    )


def filled(target: str, captures: dict[str, str], rest: list[str]) -> str | None:
    """``target`` with its captures, or None where they would lead out of their place.

    ``captures`` are texts as they came; ``rest`` are the segments behind a prefix.
    """
    path, mark, query = _before_query(target)

    def in_path(match: re.Match[str]) -> str:
        if match.group(1) == "rest" and "rest" not in captures:
            return "/".join(quote(part, safe=_IN_SEGMENT, errors="replace") for part in rest)
        return quote(captures.get(match.group(1), ""), safe=_IN_SEGMENT, errors="replace")

    def in_query(match: re.Match[str]) -> str:
        text = captures.get(match.group(1))
        if text is None:
            text = "/".join(rest) if match.group(1) == "rest" else ""
        return quote(text, safe=_IN_VALUE, errors="replace")

    found = PLACEHOLDER.sub(in_path, path)
    route = found.removeprefix("#")
    if not route.startswith("/") or route[1:2] in ("/", "\\") or _has_dots(route):
        return None
    return found + mark + PLACEHOLDER.sub(in_query, query)


def _before_query(target: str) -> tuple[str, str, str]:
    # The "#" of an alias is no fragment of its own.
    begin = 1 if target.startswith("#") else 0
    found = re.search(r"[?#]", target[begin:])
    if found is None:
        return target, "", ""
    end = begin + found.start()
    return target[:end], target[end], target[end + 1 :]


def _has_dots(target: str) -> bool:
    path = re.split(r"[?#]", target, maxsplit=1)[0]
    return any(_DOTS.fullmatch(segment) for segment in path.split("/"))
