"""The one way deep link rules change: checked as a whole, in one transaction, with a reason."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db import connections, router, transaction

from redirection import switches
from redirection.conf import conf
from redirection.link_rule_files import csv_lines
from redirection.link_rules import LinkRule
from redirection.models import DeepLinkRule, DeepLinkRuleChange, DeepLinkRuleUse, Revision
from redirection.models.history import Provenance
from redirection.models.reasons import checked_reason
from redirection.rule_problems import Code, Problem
from redirection.rule_set_problems import problems

_CHUNK = 1_000
_FIELDS = (
    "kind", "source", "part", "target", "query", "counterpart", "cloud", "enabled", "note",
)  # fmt: skip


class RulesRefused(Exception):
    """The rules cannot be changed like that; ``problems`` say why."""

    def __init__(self, found: Sequence[Problem]) -> None:
        super().__init__(f"{len(found)} problems")
        self.problems = list(found)


class RulesMoved(Exception):
    """Somebody changed rules after they were shown to whoever changes them now."""


def state_of(rules: Iterable[LinkRule | DeepLinkRule]) -> str:
    """A short text that differs where rules do, to see whether they are still as they were."""
    states = [tuple(str(getattr(rule, field)) for field in _FIELDS) for rule in rules]
    return hashlib.sha256(repr(states).encode()).hexdigest()[:20]


@dataclass(frozen=True)
class Plan:
    """What a change would do to the rules as they were at ``revision``."""

    revision: int
    added: list[LinkRule]
    changed: list[LinkRule]
    removed: list[LinkRule]
    unchanged: int
    problems: list[Problem]
    before: dict[int, LinkRule]

    @property
    def does_something(self) -> bool:
        return bool(self.added or self.changed or self.removed)

    @property
    def counts(self) -> tuple[int, int, int]:
        return len(self.added), len(self.changed), len(self.removed)

    @property
    def summary(self) -> str:
        """A single rule before and after; empty for more of them."""
        touched = [*self.added, *self.changed, *self.removed]
        if len(touched) != 1:
            return ""
        before = self.before.get(touched[0].number)
        states = [_told(before)] if before else []
        if not self.removed:
            states.append(_told(touched[0]))
        return " => ".join(states)

    @property
    def undo(self) -> str:
        """A file of rules (CSV) that takes the change back when it is added to the rules then.

        What was changed or removed is in it as it was. What the change brought is in it
        disabled: a file that is added removes nothing.
        """
        before = [self.before[rule.number] for rule in [*self.changed, *self.removed]]
        known = {rule.identity for rule in before}
        brought = [
            replace(rule, enabled=False)
            for rule in [*self.changed, *self.added]
            if rule.identity not in known
        ]
        return "".join(csv_lines([*before, *brought]))


def planned(
    wanted: Sequence[LinkRule],
    *,
    replace_all: bool = False,
    removed: Collection[int] = (),
    own: Sequence[Problem] = (),
    is_one: bool = False,
) -> Plan:
    """What it would do to add or change ``wanted`` and to remove the rules with those numbers.

    A wanted rule with a number is that rule; one without is the stored rule of the same
    source, or a new one; with ``is_one`` always a new one. With ``replace_all`` every other
    rule goes. ``own`` are problems found before, such as of the lines of a file.
    """
    revision = DeepLinkRuleChange.latest_revision()
    before = {rule.number: rule for rule in DeepLinkRule.objects.as_rules()}
    numbers = {rule.identity: rule.number for rule in before.values()}
    added: list[LinkRule] = []
    changed: list[LinkRule] = []
    result: dict[int, LinkRule] = {}
    for one in wanted:
        number = one.number or (0 if is_one else numbers.get(one.identity, 0))
        rule = replace(one, number=number) if number != one.number else one
        if not number:
            added.append(rule)
        elif number in result:
            # The same source twice in one file.
            added.append(replace(one, number=0))
        else:
            result[number] = rule
            if replace(rule, line=0) != before.get(number):
                changed.append(rule)
    gone = [
        rule
        for number, rule in before.items()
        if number in removed or (replace_all and number not in result)
    ]
    gone_numbers = {rule.number for rule in gone}
    kept = [
        rule
        for number, rule in before.items()
        if number not in result and number not in gone_numbers
    ]
    found = list(own)
    if added or changed:
        everything = [*kept, *result.values(), *added]
        found += _of_those(problems(everything, conf().clouds), [*changed, *added])
        found.sort(key=lambda problem: (problem.line, problem.number))
    return Plan(revision, added, changed, gone, len(result) - len(changed), found, before)


def changed_meanwhile(plan: Plan, number: int, seen: str) -> Iterator[Problem]:
    """Whether the rule ``number`` is no longer as it was ``seen`` (from ``state_of``)."""
    before = plan.before.get(number)
    if before is None:
        yield Problem(Code.GONE, number)
    elif state_of([before]) != seen:
        yield Problem(Code.CHANGED, number, value=_told(before))


def change_rules(
    plan: Plan, again: Callable[[], Plan], *, by: Provenance
) -> DeepLinkRuleChange | None:
    """Carry out ``plan``; ``again()`` makes it anew if somebody changed the rules meanwhile.

    Returns the row of the history, or None if there is nothing to do. Raises RulesRefused,
    and ValidationError for a missing reason. All or nothing.
    """
    by = replace(by, reason=checked_reason(by.reason))
    # Before the lock, behind which everybody else waits.
    undo = plan.undo
    with transaction.atomic():
        revision = Revision.locked()
        if DeepLinkRuleChange.latest_revision() != plan.revision:
            plan = again()
            undo = plan.undo
        if plan.problems:
            raise RulesRefused(plan.problems)
        if not plan.does_something:
            return None
        _write(plan)
        change = DeepLinkRuleChange.objects.record(
            revision.advance(), plan.counts, plan.summary, by, undo
        )
        transaction.on_commit(switches.changed)
        return change


def _write(plan: Plan) -> None:
    for chunk in _chunks([rule.number for rule in plan.removed]):
        DeepLinkRuleUse.objects.filter(pk__in=chunk).delete()
        DeepLinkRule.objects.filter(pk__in=chunk).delete()
    connection = connections[router.db_for_write(DeepLinkRule)]
    quoted = connection.ops.quote_name
    table, key = quoted(DeepLinkRule._meta.db_table), quoted("id")  # noqa: SLF001
    columns = list(map(quoted, _FIELDS))
    names, places = ", ".join(columns), ", ".join(["%s"] * len(columns))
    sets = ", ".join(f"{column} = %s" for column in columns)
    # While rules are written nobody else can change anything, and the ORM takes ten times as
    # long for a hundred thousand of them. Names of the model's own columns and nothing else.
    with connection.cursor() as cursor:
        if plan.changed:
            update = f"UPDATE {table} SET {sets} WHERE {key} = %s"  # noqa: S608
            cursor.executemany(update, [(*_values(rule), rule.number) for rule in plan.changed])
        if plan.added:
            insert = f"INSERT INTO {table} ({names}) VALUES ({places})"  # noqa: S608
            cursor.executemany(insert, list(map(_values, plan.added)))


def _values(rule: LinkRule) -> tuple[Any, ...]:
    return tuple(getattr(rule, field) for field in _FIELDS)


def _chunks(rows: Sequence[Any]) -> Iterable[Sequence[Any]]:
    return (rows[begin : begin + _CHUNK] for begin in range(0, len(rows), _CHUNK))


def _of_those(found: Sequence[Problem], wanted: Iterable[LinkRule]) -> list[Problem]:
    """The problems in which one of ``wanted`` has a part; others were there before."""
    if not found:
        return []
    rules = set(wanted)
    places = {(rule.number, rule.line) for rule in rules}
    return [
        problem
        for problem in found
        if (problem.number, problem.line) in places or not rules.isdisjoint(problem.others)
    ]


def _told(rule: LinkRule) -> str:
    state = "" if rule.enabled else ", disabled"
    return f"{rule.kind} {rule.source} -> {rule.target} ({rule.counterpart}{state})"
