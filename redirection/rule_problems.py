"""What is wrong with one deep link rule, whatever the others are. Pure.

Problems of the whole set are in ``rule_set_problems.py``, the sentences in
``rule_problem_texts.py``.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum

from redirection.link_rule_queries import NotAnInstruction, query_handling
from redirection.link_rules import (
    LONGEST_NOTE,
    LONGEST_QUERY,
    LONGEST_SOURCE,
    LONGEST_TARGET,
    MOST_SEGMENTS,
    PLACEHOLDER,
    Kind,
    LinkRule,
    Part,
    has_open_alternatives,
    is_on_destination,
    literal_segments,
    normal_source,
    placeholders,
    segments_of,
)
from redirection.routes import Counterpart
from redirection.rule_sets import (
    BadPattern,
    compiled,
)


class Code(StrEnum):
    """What is wrong."""

    UNKNOWN_WORD = "unknown_word"
    UNKNOWN_CLOUD = "unknown_cloud"
    TOO_LONG = "too_long"
    CHARACTERS = "characters"
    MISSING = "missing"
    WHOLE_ADDRESS = "whole_address"
    START_PAGE = "start_page"
    SOURCE_WITH_QUERY = "source_with_query"
    TOO_DEEP = "too_deep"
    PATTERN = "pattern"
    PATTERN_START = "pattern_start"
    PATTERN_ALTERNATIVES = "pattern_alternatives"
    TOO_MANY_PATTERNS = "too_many_patterns"
    TOO_MANY_BEHIND = "too_many_behind"
    TARGET = "target"
    CAPTURE = "capture"
    QUERY = "query"
    SAME_SOURCE = "same_source"
    SHADOWED = "shadowed"
    CHAIN = "chain"
    LOOP = "loop"
    # Of a rule that somebody else changed meanwhile.
    CHANGED = "changed"
    GONE = "gone"
    # Of a file.
    COLUMN_UNKNOWN = "column_unknown"
    COLUMN_MISSING = "column_missing"
    COLUMN_TWICE = "column_twice"
    CELLS = "cells"
    TOO_MANY_COLUMNS = "too_many_columns"
    NOT_CSV = "not_csv"
    NOT_UTF8 = "not_utf8"
    EMPTY = "empty"
    TOO_LARGE = "too_large"
    TOO_MANY_RULES = "too_many_rules"


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem of the rule with this number (0: none yet) or on this line (0: no file).

    ``field`` is the field it is about, empty for the whole rule, ``value`` the word that is
    wrong or the limit, ``others`` the rules involved: for a loop or chain the path in its order.
    """

    code: Code
    number: int = 0
    line: int = 0
    field: str = ""
    value: str = ""
    others: tuple[LinkRule, ...] = ()


_WORDS: tuple[tuple[str, type[StrEnum]], ...] = (
    ("kind", Kind),
    ("part", Part),
    ("counterpart", Counterpart),
)
_LIMITS = (
    ("source", LONGEST_SOURCE),
    ("target", LONGEST_TARGET),
    ("query", LONGEST_QUERY),
    ("note", LONGEST_NOTE),
)


# An address as it is pasted from a browser, also where its slashes were made one.
_WHOLE_ADDRESS = re.compile(
    r"/?https?:/+[^/#?]*([^#?]*)(?:\?[^#]*)?(?:#!?(/[^?]*))?", re.IGNORECASE
)


def own_problems(rule: LinkRule, clouds: Collection[str]) -> Iterator[Problem]:
    """What is wrong with one rule, whatever the others are."""

    def problem(code: Code, field: str, value: str = "") -> Problem:
        return Problem(code, rule.number, rule.line, field, value)

    for field, wrong, value in _wrong_words(rule, clouds):
        yield problem(wrong, field, value)
    code, value, captures = _source(rule)
    if code is not None:
        yield problem(code, "source", value)
    if not rule.target:
        yield problem(Code.MISSING, "target")
    elif not _is_target(rule.target):
        yield problem(Code.TARGET, "target", rule.target[:100])
    for name in sorted(placeholders(rule.target) - captures) if code is None else ():
        yield problem(Code.CAPTURE, "target", name)
    try:
        query_handling(rule.query)
    except NotAnInstruction as error:
        yield problem(Code.QUERY, "query", error.instruction[:100])


def _wrong_words(rule: LinkRule, clouds: Collection[str]) -> Iterator[tuple[str, Code, str]]:
    for field, words in _WORDS:
        if getattr(rule, field) not in list(words):
            yield field, Code.UNKNOWN_WORD, getattr(rule, field)[:100]
    if rule.cloud and rule.cloud not in clouds:
        yield "cloud", Code.UNKNOWN_CLOUD, rule.cloud[:100]
    for field, limit in _LIMITS:
        text = getattr(rule, field)
        if len(text) > limit:
            yield field, Code.TOO_LONG, str(limit)
        elif not text.isprintable():
            yield field, Code.CHARACTERS, ""


def _source(rule: LinkRule) -> tuple[Code | None, str, set[str]]:
    """What is wrong with a source, a value for it, and the names of its captures."""
    if not rule.source:
        return Code.MISSING, "", set()
    if (address := _WHOLE_ADDRESS.match(rule.source)) is not None:
        return Code.WHOLE_ADDRESS, (address[2] or address[1] or "/")[:100], set()
    if rule.kind == Kind.PATTERN:
        return _pattern(rule.source)
    captures = {"rest"} if rule.kind == Kind.PREFIX else set[str]()
    if {"?", "#"} & set(rule.source):
        return Code.SOURCE_WITH_QUERY, "", captures
    segments = segments_of(normal_source(rule.kind, rule.source))[0]
    if not segments:
        return Code.START_PAGE, "", captures
    if len(segments) > MOST_SEGMENTS:
        return Code.TOO_DEEP, str(MOST_SEGMENTS), captures
    return None, "", captures


def _pattern(source: str) -> tuple[Code | None, str, set[str]]:
    """What is wrong with a pattern, a value for it, and the names of its captures."""
    if len(source) > LONGEST_SOURCE:
        # Said already; nothing so long is compiled.
        return None, "", set()
    try:
        pattern = compiled(source)
    except BadPattern as error:
        return Code.PATTERN, str(error)[:200], set()
    if has_open_alternatives(source):
        return Code.PATTERN_ALTERNATIVES, "", set()
    if not literal_segments(source):
        return Code.PATTERN_START, "", set()
    names = {str(number) for number in range(1, pattern.groups + 1)}
    return None, "", names | set(pattern.groupindex)


def _is_target(target: str) -> bool:
    # Whatever a placeholder stands for cannot leave its place, so a letter stands for it.
    plain = PLACEHOLDER.sub("x", target)
    if not target.startswith("#"):
        return is_on_destination(plain)
    route = plain.removeprefix("#")
    return is_on_destination(route) and "#" not in route and bool(route.strip("/"))
