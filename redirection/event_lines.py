"""Changes and refusals as lines for whoever collects security events: one schema for all kinds.

The fields are documented in docs/messages.md. A line's ``id`` never changes and never comes
twice for two events; ``cursor`` is where to go on after it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import merge
from typing import Any

from django.db.models import QuerySet
from django.utils.dateparse import parse_datetime
from django.utils.timezone import is_aware

from redirection.exports import CHUNK, utc
from redirection.models import Change, DeepLinkRuleChange, LocalRoleChange, Refusal
from redirection.standings import object_id_of

_CURSOR = re.compile(r"(\d{1,18})\.(\d{1,18})\.(\d{1,18})\.(\d{1,18})")


@dataclass(frozen=True)
class Cursor:
    """The last number told of each kind, in the order of KINDS."""

    numbers: tuple[int, ...] = (0, 0, 0, 0)

    def __str__(self) -> str:
        return ".".join(map(str, self.numbers))

    def after(self, kind: int, number: int) -> Cursor:
        numbers = list(self.numbers)
        numbers[kind] = max(numbers[kind], number)
        return Cursor(tuple(numbers))


@dataclass(frozen=True)
class Kind:
    """One kind of event: its rows, and the fields of a line that are its own."""

    name: str
    rows: Callable[[], QuerySet[Any]]
    fields: Callable[[Any], dict[str, Any]]
    settles: timedelta = timedelta(0)


def cursor_of(since: str) -> Cursor:
    """Where to begin: after a cursor, a revision, or from a moment on. Raises ValueError.

    A revision says nothing of local roles and refusals, of which those since its change come.
    """
    if not since:
        return Cursor()
    if found := _CURSOR.fullmatch(since):
        return Cursor(tuple(map(int, found.groups())))
    if re.fullmatch(r"\d{1,18}", since):
        return _from_revision(int(since))
    moment = parse_datetime(since)
    if moment is None or not is_aware(moment):
        raise ValueError(since)
    return _from(moment)


def lines(start: Cursor, now: datetime) -> Iterator[tuple[str, Cursor]]:
    """The events after ``start`` in the order of their time, each with the cursor after it.

    No more than a few hundred rows of each kind are in memory. Of what happens meanwhile,
    nothing is left out: the next call begins where the cursor is.
    """
    cursor = start
    streams = [
        _stream(number, start.numbers[number], now - kind.settles)
        for number, kind in enumerate(KINDS)
    ]
    for _, kind, row in merge(*streams, key=lambda event: event[:2]):
        cursor = cursor.after(kind, row.pk)
        yield _line(KINDS[kind], row, cursor), cursor


def _stream(kind: int, after: int, until: datetime) -> Iterator[tuple[datetime, int, Any]]:
    for row in KINDS[kind].rows().filter(pk__gt=after).order_by("pk").iterator(chunk_size=CHUNK):
        # Not those behind it either: the cursor would pass it.
        if row.at > until:
            return
        yield row.at, kind, row


def _line(kind: Kind, row: Any, cursor: Cursor) -> str:
    line = {"id": f"{kind.name}-{row.pk}", "time": utc(row.at), "type": kind.name}
    return json.dumps({**line, **kind.fields(row), "cursor": str(cursor)}, ensure_ascii=False)


def _fields(
    *, tenant: Any = None, actor: str = "", account: Any = None, action: str, outcome: str = "done",
    reason: str = "", channel: str = "", address: str | None = None, **details: Any,
) -> dict[str, Any]:  # fmt: skip
    return {
        "tenant": {"id": str(tenant.tid), "name": tenant.name} if tenant else None,
        "actor": {"name": actor, "id": object_id_of(account) if account else ""},
        "action": action,
        "outcome": outcome,
        "reason": reason,
        "channel": channel,
        "source_address": address or "",
        "details": details,
    }


def _of_change(row: Change) -> dict[str, Any]:
    return _fields(
        tenant=row.tenant, actor=row.author_name, account=row.author, action=f"{row.what}.changed",
        reason=row.reason, channel=row.channel, revision=row.revision, before=row.before,
        after=row.after, reason_kind=row.reason_kind,
    )  # fmt: skip


def _of_role(row: LocalRoleChange) -> dict[str, Any]:
    return _fields(
        tenant=row.tenant, actor=row.author_name, account=row.author, action="local_role.changed",
        reason=row.reason, channel=row.channel, before=row.before, after=row.after,
        person={"name": row.person_name, "id": object_id_of(row.person)},
    )  # fmt: skip


def _of_rules(row: DeepLinkRuleChange) -> dict[str, Any]:
    return _fields(
        actor=row.author_name, account=row.author, action="deep_link_rules.changed",
        reason=row.reason, channel=row.channel, revision=row.revision, added=row.added,
        changed=row.changed, removed=row.removed,
    )  # fmt: skip


def _of_refusal(row: Refusal) -> dict[str, Any]:
    return _fields(
        tenant=row.tenant, actor=row.who, account=row.person, action=f"{row.method} {row.path}",
        outcome="refused", reason=row.what, channel="page", address=row.address,
        tenant_asked=row.tenant_asked, reference=row.reference, times=row.times,
    )  # fmt: skip


# The order is that of the numbers in a cursor, which outlives a release.
KINDS = (
    Kind("change", lambda: Change.objects.select_related("tenant", "author"), _of_change),
    Kind(
        "local_role_change",
        lambda: LocalRoleChange.objects.select_related("tenant", "author", "person"),
        _of_role,
        # Numbers are given before their transaction ends, and here nothing orders them.
        settles=timedelta(seconds=10),
    ),
    Kind(
        "deep_link_rule_change",
        lambda: DeepLinkRuleChange.objects.select_related("author").defer("undo"),
        _of_rules,
    ),
    Kind(
        "refusal",
        lambda: Refusal.objects.select_related("tenant", "person"),
        _of_refusal,
        # So long the same again is counted in the row, and a little longer until it is written.
        settles=timedelta(seconds=70),
    ),
)


def _from(moment: datetime) -> Cursor:
    numbers = []
    for kind in KINDS:
        before = kind.rows().filter(at__lt=moment).order_by("-pk")
        numbers.append(before.values_list("pk", flat=True).first() or 0)
    return Cursor(tuple(numbers))


def _from_revision(revision: int) -> Cursor:
    found = [
        model.objects.filter(revision__lte=revision).order_by("-revision").first()
        for model in (Change, DeepLinkRuleChange)
    ]
    rows = [row for row in found if row is not None]
    if not rows:
        return Cursor()
    _, roles, _, refusals = _from(max(row.at for row in rows)).numbers
    change, rules = (row.pk if row is not None else 0 for row in found)
    return Cursor((change, roles, rules, refusals))
