"""Which deep link rule answers a legacy route: a look-up that does not grow with the rules.

The tenant's cloud is asked before all clouds; in each the exact sources, then the longest
prefix, then the patterns by their longest literal start and their number. A rule for a part
(path or fragment) comes before one for any part. Pure.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import re2

from redirection.link_rule_queries import query_handling
from redirection.link_rules import (
    MOST_SEGMENTS,
    Kind,
    LinkRule,
    Part,
    literal_segments,
    literal_start,
    readable,
    segments_of,
)
from redirection.link_templates import OTHER, template_of
from redirection.routes import Counterpart

# Patterns are asked one after another behind the segments they begin with, so both are bounded.
MOST_PATTERNS = 2_000
MOST_PATTERNS_BEHIND = 20
# Instructions of a compiled pattern. The cost of a match is their number times the length of
# the text, whatever the pattern: there is no backtracking (re2).
LARGEST_PROGRAM = 1_000
# Bytes a compiled pattern may take for itself and for its states.
_PATTERN_MEMORY = 1 << 18
# Longer routes are no page names; their parameters do not count.
LONGEST_ROUTE = 2_000
LONGEST_FOR_PATTERNS = 500
# Instructions times characters, over all patterns of one look-up: about 2 ms.
MOST_WORK = 2_000_000
# A rule's own pages are counted apart from those of the table: so many words of its source.
_RULE_WORDS = 2
# Between so many rules another thread may run.
_PACE = 500

# Number, target, query, counterpart and template of a rule. A plain tuple of plain values: the
# garbage collector need not look at a hundred thousand of them.
Row = tuple[int, str, str, str, str]


class BadPattern(ValueError):
    """A source that is no pattern, or too large a one; the text says why."""


@dataclass(frozen=True, slots=True)
class Found:
    """A rule that matches a route: its number, target, query handling and counterpart.

    ``template`` is what its pages are counted under: words of the rule, none of the link.
    ``captures`` are texts of the route as they came, by name or number; ``rest`` its segments
    behind a prefix.
    """

    number: int
    target: str
    query: str
    counterpart: str
    template: str
    captures: dict[str, str] = field(default_factory=dict)
    rest: list[str] = field(default_factory=list)

    @property
    def is_alias(self) -> bool:
        return self.target.startswith("#")


@dataclass(slots=True)
class _Rules:
    """The rules of one cloud and part."""

    exact: dict[str, Row] = field(default_factory=dict)
    prefixes: dict[str, Row] = field(default_factory=dict)
    patterns: dict[str, list[tuple[int, int, Any, Row]]] = field(default_factory=dict)


def compiled(source: str) -> Any:
    """``source`` compiled, in linear time and bounded memory. Raises BadPattern."""
    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    options.max_mem = _PATTERN_MEMORY
    try:
        pattern = re2.compile(source, options)
    except re2.error as error:
        raise BadPattern(_text_of(error)) from None
    if pattern.programsize > LARGEST_PROGRAM:
        raise BadPattern("pattern too large")
    return pattern


class RuleSet:
    """The enabled rules of all clouds, ready to be asked. Immutable once it is made."""

    __slots__ = ("_deepest", "_rules", "revision", "size", "unusable")

    def __init__(self, rules: Iterable[LinkRule] = (), revision: int = 0) -> None:
        """``revision`` is that of the newest change of the rules.

        Takes a moment for many rules and lets other threads run meanwhile. Disabled rules are
        left out, and so is one that was never checked and cannot be used: its number is in
        ``unusable``.
        """
        self.revision = revision
        self.size = 0
        self.unusable: list[int] = []
        self._rules: dict[tuple[str, str], _Rules] = {}
        self._deepest = 0
        for number, rule in enumerate(rules):
            if number % _PACE == 0:
                time.sleep(0)
            if rule.enabled:
                self._add(rule)
        for held in self._rules.values():
            for behind in held.patterns.values():
                behind.sort(key=lambda one: one[:2])

    def _add(self, rule: LinkRule) -> None:
        try:
            query_handling(rule.query)
            Counterpart(rule.counterpart)
            segments = _own_segments(rule)
            pattern = compiled(rule.source) if rule.kind == Kind.PATTERN else None
        except ValueError:
            self.unusable.append(rule.number)
            return
        held = self._rules.setdefault((rule.cloud, rule.part), _Rules())
        row = (
            rule.number,
            rule.target,
            sys.intern(str(rule.query)),
            sys.intern(str(rule.counterpart)),
            sys.intern(_template(rule, segments)),
        )
        if pattern is not None:
            behind = held.patterns.setdefault("/".join(segments), [])
            behind.append((-len(literal_start(rule.source)), rule.number, pattern, row))
        else:
            (held.exact if rule.kind == Kind.EXACT else held.prefixes)["/".join(segments)] = row
        self.size += 1
        self._deepest = max(self._deepest, min(len(segments), MOST_SEGMENTS))

    def matches(self, route: str, part: Part, cloud: str = "") -> Iterator[Found]:
        """The rules that match ``route`` (as it came, without its query), the winner first.

        The next one only counts where the captures of the one before cannot be used.
        """
        if not self.size or len(route) > LONGEST_ROUTE:
            return
        segments, came = segments_of(route)
        starts = ["/".join(segments[:length]) for length in range(1, self._deepest + 1)]
        # The longest first; a short route has no more of them than segments.
        starts = starts[: len(segments)][::-1]
        for one_cloud in (cloud, "") if cloud else ("",):
            asked = [
                held
                for one_part in (part, Part.ANY)
                if (held := self._rules.get((one_cloud, one_part))) is not None
            ]
            for held in asked:
                if (row := held.exact.get("/".join(segments))) is not None:
                    yield Found(*row)
            for start in starts:
                for held in asked:
                    if (row := held.prefixes.get(start)) is not None:
                        yield Found(*row, rest=came[start.count("/") + 1 :])
            yield from _matching_patterns(asked, starts, came)


NO_RULES = RuleSet()


def _own_segments(rule: LinkRule) -> tuple[str, ...]:
    """The plain segments a rule's pages begin with. Raises ValueError."""
    if Kind(rule.kind) is Kind.PATTERN:
        return literal_segments(rule.source)
    segments = tuple(rule.source.removeprefix("/").split("/"))
    if not segments[0]:
        raise ValueError("the start page")
    return segments


def _template(rule: LinkRule, segments: tuple[str, ...]) -> str:
    below = [] if rule.kind == Kind.EXACT else [OTHER]
    return template_of([*segments, *below], _RULE_WORDS)


def _matching_patterns(asked: list[_Rules], starts: list[str], came: list[str]) -> Iterator[Found]:
    text = readable("/" + "/".join(came)).encode(errors="replace").decode()
    if len(text) > LONGEST_FOR_PATTERNS:
        return
    work = 0
    for start in starts:
        for held in asked:
            for _literal, _number, pattern, row in held.patterns.get(start, ()):
                work += pattern.programsize * len(text)
                if work > MOST_WORK:
                    return
                match = pattern.fullmatch(text)
                if match is not None:
                    yield Found(*row, captures=_captures(match))


def _captures(match: Any) -> dict[str, str]:
    found = {str(number): text or "" for number, text in enumerate(match.groups(), 1)}
    return found | {name: text or "" for name, text in match.groupdict().items()}


def _text_of(error: Exception) -> str:
    reason = error.args[0] if error.args else ""
    return reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
