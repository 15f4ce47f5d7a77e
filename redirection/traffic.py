"""Counting behind the requests: in memory at once, into the store in batches.

A request notes one load here and nothing else. ``write()`` is called every few seconds by the
thread of a worker that reports, and when the worker ends; a crash loses what was counted since.
No count is about a person (promise 11).
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import date
from enum import IntEnum
from itertools import islice
from typing import TypeVar

from django.db import Error, IntegrityError, transaction

from redirection import refusals, retention, rule_uses, unmatched

logger = logging.getLogger(__name__)

# Each of both kinds: so much is held when the store does not answer, and no more.
MOST_KEYS = 20_000
# So many keys, then a pause (seconds). So many loads are noted before they are added up.
_AT_ONCE, _PAUSE, _TOGETHER = 500, 0.001, 100
_DAY = 86_400_000
_EPOCH = date(1970, 1, 1).toordinal()

# Tenant id, day since the epoch and route template; then loads in the order of Answer.
Counts = dict[tuple[str, int, str], list[int]]
# Tenant id and the moment a session began; then when it was last seen, negative for its end.
Marks = dict[tuple[str, int], int]
_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class Answer(IntEnum):
    """What a page load got: the legacy page, or the way to the destination."""

    KEPT = 0
    REDIRECTED = 1


_lock = threading.Lock()
_writing = threading.Lock()
# Grows at its end without a lock, and is taken from at its beginning with it.
_loads: list[tuple[str, int, str, Answer]] = []
_counts: Counts = {}
_marks: Marks = {}
_dropped = 0
_failing = False


def count(tid: str, now: int, route: str, answer: Answer) -> None:
    """One page load of a known tenant at ``now``, in milliseconds since the epoch."""
    _loads.append((tid, now // _DAY, route, answer))
    if len(_loads) >= _TOGETHER:
        with _lock:
            _add_up()


def counted() -> Counts:
    """What is counted and not written yet."""
    with _lock:
        _add_up()
        return {key: [*loads] for key, loads in _counts.items()}


def _add_up() -> None:
    """Count the loads noted; the lock is held."""
    global _dropped
    taken = _loads[:]
    del _loads[: len(taken)]
    for (tid, day, route, answer), number in Counter(taken).items():
        key = (tid, day, route)
        if key not in _counts and len(_counts) >= MOST_KEYS:
            _dropped += number
            continue
        _counts.setdefault(key, [0, 0])[answer] += number


def move(tid: str, now: int, before: tuple[str, Answer], after: tuple[str, Answer]) -> None:
    """The browser has told more about a load that was counted: the sum stays the same."""
    global _dropped
    if before == after:
        return
    day = now // _DAY
    keys = [(tid, day, route) for route, _ in (before, after)]
    with _lock:  # both or none
        _add_up()
        if len(_counts) + len({*keys} - _counts.keys()) > MOST_KEYS:
            _dropped += 1
            return
        for key, (_, answer), change in zip(keys, (before, after), (-1, 1), strict=True):
            _counts.setdefault(key, [0, 0])[answer] += change


def mark(tid: str, started: int, seen: int) -> None:
    """A legacy session was seen; moments in milliseconds since the epoch."""
    global _dropped
    key = (tid, started)
    with _lock:
        before = _marks.get(key)
        if before is None and len(_marks) >= MOST_KEYS:
            _dropped += 1
        else:
            _marks[key] = seen if before is None else _later(before, seen)


def mark_end(tid: str, started: int, ended: int) -> None:
    """A sign-out ended a legacy session."""
    mark(tid, started, -ended)


def write() -> None:
    """Write what was counted, and let go of what is too old; at most one call at a time.

    A store that fails gets the batch with the next call, and one line in the log an outage.
    """
    global _failing
    with _writing:
        counts, marks = _taken()
        try:
            _store(counts, marks)
            retention.let_go()
        except Error as error:
            if not _failing:
                logger.warning("Counts cannot be written, they stay in memory: %s", error)
            _failing = True
        else:
            _failing = False


def forget() -> None:
    """Back to the state of a process that has just started."""
    global _failing
    with _lock:
        _clear()
    _failing = False
    for others in (retention, unmatched, rule_uses, refusals):
        others.forget()


def _later(one: int, other: int) -> int:
    """Which of two marks counts: the later one, an end before all."""
    return min(one, other) if one < 0 or other < 0 else max(one, other)


def _taken() -> tuple[Counts, Marks]:
    global _counts, _marks, _dropped
    with _lock:
        _add_up()
        taken, dropped = (_counts, _marks), _dropped
        _counts, _marks, _dropped = {}, {}, 0
    if dropped:
        logger.warning("%d counts were lost: more than %d different ones", dropped, MOST_KEYS)
    return taken


def _store(counts: Counts, marks: Marks) -> None:
    """Write one batch, or put it back and raise the store's error."""
    if not counts and not marks:
        return
    try:
        try:
            _insert(counts, marks)
        except IntegrityError:  # a tenant was deleted, and what was counted for it goes with it
            _insert(*_of_tenants_left(counts, marks))
    except Error:
        _put_back(counts, marks)
        raise


def _insert(counts: Counts, marks: Marks) -> None:
    from redirection.models import SessionMark, Traffic  # models need the app registry

    loads = {
        (tid, date.fromordinal(_EPOCH + day), route): (kept, redirected)
        for (tid, day, route), (kept, redirected) in counts.items()
        if kept or redirected
    }
    with transaction.atomic():
        Traffic.objects.add(loads)
        SessionMark.objects.note(marks)


def _of_tenants_left(counts: Counts, marks: Marks) -> tuple[Counts, Marks]:
    from redirection.models import Tenant

    # There may be a million tenants, and few of them are counted.
    tids = sorted({key[0] for key in counts} | {key[0] for key in marks})
    left: set[str] = set()
    for start in range(0, len(tids), _AT_ONCE):
        found = Tenant.objects.filter(tid__in=tids[start : start + _AT_ONCE])
        left.update(map(str, found.values_list("tid", flat=True)))
    return (
        {key: loads for key, loads in counts.items() if key[0] in left},
        {key: seen for key, seen in marks.items() if key[0] in left},
    )


def _put_back(counts: Counts, marks: Marks) -> None:
    global _dropped
    for some in _pieces(counts):
        with _lock:
            for key, (kept, redirected) in some:
                if key in _counts or len(_counts) < MOST_KEYS:
                    loads = _counts.setdefault(key, [0, 0])
                    loads[Answer.KEPT] += kept
                    loads[Answer.REDIRECTED] += redirected
                else:
                    _dropped += abs(kept) + abs(redirected)
    for some_marks in _pieces(marks):
        with _lock:
            for mark_key, seen in some_marks:
                if mark_key in _marks or len(_marks) < MOST_KEYS:
                    _marks[mark_key] = _later(_marks.get(mark_key, seen), seen)
                else:
                    _dropped += 1


def _pieces(table: dict[_Key, _Value]) -> Iterator[list[tuple[_Key, _Value]]]:
    """Few at a time; requests that wait for the lock get it meanwhile."""
    entries = iter(table.items())
    while piece := list(islice(entries, _AT_ONCE)):
        yield piece
        # A lock taken again at once leaves them no time to wake up.
        time.sleep(_PAUSE)


def _clear() -> None:
    global _dropped
    for kept in (_loads, _counts, _marks):
        kept.clear()
    _dropped = 0


def _after_fork() -> None:
    global _lock, _writing
    # A thread the child does not have may hold a lock; what the parent counted is its to write.
    _lock, _writing = threading.Lock(), threading.Lock()
    _clear()


os.register_at_fork(after_in_child=_after_fork)
