"""Where a change has arrived: what the receipts of all workers say about one revision.

Plain Python; times are seconds unless the name says otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

# A worker that has not reported for so long is gone: it is no longer waited for.
GONE_AFTER = 60.0
# Two reports missed and a moment, so that a page that asks again shows it within ten seconds.
_STALE_AFTER = 7.0


class State(StrEnum):
    """What a worker's receipt says about a revision.

    Stale is a worker of which nobody knows what it serves now: it stopped reporting, or cannot
    read the store. It is never taken for applied, whatever it said last.
    """

    APPLIED = "applied"
    PENDING = "pending"
    STALE = "stale"
    GONE = "gone"


@dataclass(frozen=True)
class WorkerReceipt:
    """One worker: its state, the revision it serves, the age of its last report, and its lag.

    ``name`` is short and means nothing but to an operator: a tenant's admins need not know
    the machines.

    ``lag`` is the time from the saving of the change until this worker served it; None where
    that moment is not known, such as for a worker that started later. ``is_silent`` if it
    stopped reporting; a stale worker that is not silent cannot read the store. ``went_missing``
    if it is gone, and was there within a minute before the change, or later: such a worker has
    not ended as it is told to, and may follow an earlier setting where nobody sees it.
    """

    name: str
    state: State
    revision: int
    age: float
    lag: float | None
    is_silent: bool
    went_missing: bool


@dataclass(frozen=True)
class Delivery:
    """Where a tenant's newest change has arrived, read at ``read_at`` (the store's clock)."""

    revision: int
    read_at: datetime
    workers: tuple[WorkerReceipt, ...]

    def in_state(self, state: State) -> tuple[WorkerReceipt, ...]:
        return tuple(worker for worker in self.workers if worker.state is state)

    @property
    def applied(self) -> int:
        return len(self.in_state(State.APPLIED))

    @property
    def expected(self) -> int:
        """How many workers are waited for: all that are not gone."""
        return len(self.workers) - len(self.in_state(State.GONE))

    @property
    def is_complete(self) -> bool:
        """Whether there are workers, and each that is not gone serves the change."""
        return 0 < self.expected == self.applied

    @property
    def slowest_lag(self) -> float | None:
        """The longest lag of those that applied it, as far as it is known."""
        lags = [worker.lag for worker in self.in_state(State.APPLIED) if worker.lag is not None]
        return max(lags, default=None)

    @property
    def late(self) -> tuple[WorkerReceipt, ...]:
        """The workers still waited for."""
        return self.in_state(State.STALE) + self.in_state(State.PENDING)

    @property
    def missing(self) -> tuple[WorkerReceipt, ...]:
        """The workers no longer waited for of which nobody knows whether they ended."""
        return tuple(worker for worker in self.workers if worker.went_missing)

    def has_change(self, worker: WorkerReceipt) -> bool:
        """Whether the worker serves the change, or did when it last reported."""
        return worker.revision >= self.revision


def stale_after(report: float) -> float:
    """After how long a worker that reports every ``report`` seconds counts as stale."""
    return max(_STALE_AFTER, 2.3 * report)


def state_of(revision: int, *, serves: int, can_read: bool, is_silent: bool, age: float) -> State:
    """The state of a worker that serves ``serves`` and last reported ``age`` seconds ago."""
    if age >= GONE_AFTER:
        return State.GONE
    if is_silent or not can_read:
        return State.STALE
    return State.APPLIED if serves >= revision else State.PENDING


def is_missing(age: float, since_change: float | None) -> bool:
    """Whether a worker silent for ``age`` seconds is gone, but was there around the change.

    ``since_change`` is the time since it was saved; without a change nobody is missed.
    """
    return since_change is not None and GONE_AFTER <= age < since_change + GONE_AFTER


def lag_of(
    revision: int, steps: Sequence[Sequence[int]], saved_at: datetime | None
) -> float | None:
    """From the saving of ``revision`` until the worker with these steps served it; at least 0.

    None if the steps do not show that moment: they must begin before the revision, else the
    worker started later or the moment is forgotten.
    """
    if saved_at is None or not steps or steps[0][0] >= revision:
        return None
    for served, moment in steps:
        if served >= revision:
            return max(0.0, moment / 1000 - saved_at.timestamp())
    return None
