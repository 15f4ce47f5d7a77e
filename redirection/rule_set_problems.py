"""What is wrong with a whole set of deep link rules: doubles, rules never reached, loops. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace

from redirection.link_parts import split
from redirection.link_rules import Kind, LinkRule, Part, filled, literal_segments, placeholders
from redirection.rule_problems import Code, Problem, own_problems
from redirection.rule_sets import MOST_PATTERNS, MOST_PATTERNS_BEHIND, Found, RuleSet

# What a placeholder may stand for, to see where an alias leads.
_SAMPLES = ("1", "x")


def problems(rules: Sequence[LinkRule], clouds: Collection[str]) -> list[Problem]:
    """Everything that is wrong with ``rules`` together; ``clouds`` are the keys that exist.

    In the order of the rules; those found only in the whole set follow.
    """
    found: list[Problem] = []
    usable: list[LinkRule] = []
    for rule in rules:
        own = list(own_problems(rule, clouds))
        found += own
        if not own:
            usable.append(rule)
    found += _same_sources(rules)
    enabled = [rule for rule in usable if rule.enabled]
    found += _too_many(enabled)
    found += _shadowed(enabled)
    found += _loops_and_chains(enabled, clouds)
    return found


def _same_sources(rules: Iterable[LinkRule]) -> Iterator[Problem]:
    first: dict[tuple[str, str, str, str], LinkRule] = {}
    for rule in rules:
        before = first.setdefault(rule.identity, rule)
        if before is not rule and rule.source:
            yield Problem(Code.SAME_SOURCE, rule.number, rule.line, "source", "", (before,))


def _too_many(rules: Iterable[LinkRule]) -> Iterator[Problem]:
    patterns = [rule for rule in rules if rule.kind == Kind.PATTERN]
    if len(patterns) > MOST_PATTERNS:
        rule, limit = patterns[MOST_PATTERNS], str(MOST_PATTERNS)
        yield Problem(Code.TOO_MANY_PATTERNS, rule.number, rule.line, "source", limit)
        return
    clouds = {"", *(rule.cloud for rule in patterns)}
    below: dict[str, list[str]] = {}
    for start in sorted({_start(rule) for rule in patterns}):
        for beginning in _beginnings(start):
            below.setdefault(beginning, []).append(start)
    # What one look-up asks: the patterns of a cloud and of all, of a part and of any, behind
    # every beginning of the route.
    asked: Counter[tuple[str, str, str]] = Counter()
    for rule in patterns:
        keys = [
            (cloud, part, start)
            for cloud in ((rule.cloud,) if rule.cloud else clouds)
            for part in ((Part.PATH, Part.FRAGMENT) if rule.part == Part.ANY else (rule.part,))
            for start in below[_start(rule)]
        ]
        asked.update(keys)
        too_many = [key[2] for key in keys if asked[key] > MOST_PATTERNS_BEHIND]
        if too_many:
            yield Problem(Code.TOO_MANY_BEHIND, rule.number, rule.line, "source", min(too_many))


def _start(rule: LinkRule) -> str:
    return "/" + "/".join(literal_segments(rule.source))


def _beginnings(start: str) -> Iterator[str]:
    while start:
        yield start
        start = start.rpartition("/")[0]


def _shadowed(rules: Sequence[LinkRule]) -> Iterator[Problem]:
    """Rules that never win: another one of the same cloud always comes before them."""
    by_identity = {rule.identity: rule for rule in rules}

    def covering(rule: LinkRule, kind: str, source: str) -> tuple[LinkRule, ...]:
        def at(part: str) -> LinkRule | None:
            return by_identity.get((rule.cloud, part, kind, source))

        if rule.kind == Kind.PATTERN:
            for part in (rule.part, Part.ANY):
                if (other := at(part)) is not None:
                    return (other,)
        in_path, behind_mark = at(Part.PATH), at(Part.FRAGMENT)
        if rule.part == Part.ANY and in_path is not None and behind_mark is not None:
            return (in_path, behind_mark)
        return ()

    for rule in rules:
        if rule.kind == Kind.PATTERN:
            segments = literal_segments(rule.source)
            kinds = [
                (Kind.PREFIX.value, "/" + "/".join(segments[:length]))
                for length in range(len(segments), 0, -1)
            ]
        else:
            kinds = [(rule.kind, rule.source)]
        others = next(filter(None, (covering(rule, *kind) for kind in kinds)), ())
        if others:
            yield Problem(Code.SHADOWED, rule.number, rule.line, "source", "", others)


def _loops_and_chains(rules: Sequence[LinkRule], clouds: Collection[str]) -> Iterator[Problem]:
    if not any(rule.is_alias for rule in rules):
        return
    # A rule from a file has no number yet, so all of them get one for the occasion.
    numbered = RuleSet(replace(rule, number=number) for number, rule in enumerate(rules))
    for number, rule in enumerate(rules):
        if not rule.is_alias:
            continue
        asked = (rule.cloud,) if rule.cloud else ("", *clouds)
        path = _path_from(rule, number, numbered, asked)
        if path:
            others = tuple(rules[one] for one in (number, *path))
            loops = len({*others}) < len(others)
            code, last = (Code.LOOP if loops else Code.CHAIN), others[-1]
            yield Problem(code, rule.number, rule.line, "target", last.target, others)


def _path_from(rule: LinkRule, number: int, rules: RuleSet, clouds: Iterable[str]) -> list[int]:
    """The aliases behind an alias, each by its place, up to one that came before or the last."""
    samples = _SAMPLES if placeholders(rule.target) else _SAMPLES[:1]
    for cloud in clouds:
        for sample in samples:
            names = dict.fromkeys(placeholders(rule.target), sample)
            path: list[int] = []
            target = filled(rule.target, names, [sample])
            while target is not None:
                found = _winner(rules, target, cloud)
                if found is None or not found.is_alias:
                    break
                seen = found.number in (number, *path)
                path.append(found.number)
                if seen:
                    break
                target = filled(found.target, found.captures, found.rest)
            if path:
                return path
    return []


def _winner(rules: RuleSet, target: str, cloud: str) -> Found | None:
    route = split(target.removeprefix("#"))[0]
    return next(rules.matches(route, Part.FRAGMENT, cloud), None)
