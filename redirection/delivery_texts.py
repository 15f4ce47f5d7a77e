"""What a delivery says to a person: sentences, and the lines of its tables."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.formats import number_format
from django.utils.translation import gettext as _, ngettext

from redirection.deliveries import Delivery, State, WorkerReceipt, stale_after

# So many late workers are named one by one; the table has the others.
NAMED = 3
MOST_ROWS = 100


# A silent worker's age is told in these steps (seconds), then in hours: what changes with every
# second can neither be read out nor copied.
_STEPS = (5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600)


@dataclass(frozen=True)
class Row:
    """A line of the table of workers.

    It has no number: the revision of a worker may be a change of another organisation.
    """

    name: str
    state: State
    state_name: str
    setting: str
    reported: str
    lag: str


def sentence(delivery: Delivery) -> str:
    """How far the change has got; it changes only when something worth saying happens."""
    if not delivery.expected:
        return _("No worker has reported in the last minute.")
    named = {
        "applied": delivery.applied,
        "expected": delivery.expected,
        "revision": delivery.revision,
    }
    if delivery.is_complete and delivery.slowest_lag is not None:
        served = ngettext(
            "Revision %(revision)s is served by %(applied)s of %(expected)s worker, "
            "%(lag)s after it was saved.",
            "Revision %(revision)s is served by %(applied)s of %(expected)s workers, "
            "%(lag)s after it was saved.",
            delivery.expected,
        ) % {**named, "lag": duration(delivery.slowest_lag)}
    else:
        served = (
            ngettext(
                "Revision %(revision)s is served by %(applied)s of %(expected)s worker.",
                "Revision %(revision)s is served by %(applied)s of %(expected)s workers.",
                delivery.expected,
            )
            % named
        )
    return " ".join([served, *_not_serving(delivery)])


def _not_serving(delivery: Delivery) -> list[str]:
    stale = delivery.in_state(State.STALE)
    pending = len(delivery.in_state(State.PENDING))
    silent = sum(worker.is_silent for worker in stale)
    blind = len(stale) - silent
    found = []
    if pending:
        found.append(
            ngettext(
                "%(count)s worker does not serve it yet.",
                "%(count)s workers do not serve it yet.",
                pending,
            )
            % {"count": pending}
        )
    if silent:
        found.append(
            ngettext(
                "%(count)s worker has stopped reporting.",
                "%(count)s workers have stopped reporting.",
                silent,
            )
            % {"count": silent}
        )
    if blind:
        found.append(
            ngettext(
                "%(count)s worker cannot read the store.",
                "%(count)s workers cannot read the store.",
                blind,
            )
            % {"count": blind}
        )
    if delivery.missing:
        found.append(
            ngettext(
                "%(count)s worker has not reported for over a minute and is no longer counted.",
                "%(count)s workers have not reported for over a minute and are no longer counted.",
                len(delivery.missing),
            )
            % {"count": len(delivery.missing)}
        )
    return found


def late(delivery: Delivery) -> list[str]:
    """A sentence for each of the first workers that are waited for, or missing."""
    return [_why(worker) for worker in (delivery.late + delivery.missing)[:NAMED]]


def _why(worker: WorkerReceipt) -> str:
    if worker.is_silent:
        return _("Worker %(name)s has not reported for more than %(age)s.") % {
            "name": worker.name,
            "age": duration(_step(worker.age)),
        }
    if worker.state is State.STALE:
        return _("Worker %(name)s serves the last settings it could read.") % {"name": worker.name}
    return _("Worker %(name)s still serves an earlier setting.") % {"name": worker.name}


def next_step(delivery: Delivery) -> str:
    """What follows from what is missing and what to do about it; empty where nothing is."""
    if not delivery.expected:
        return _(
            "The setting is saved. Ask the operator whether the portal's workers run and reach "
            "the store."
        )
    unsure = delivery.in_state(State.STALE) + delivery.missing
    if unsure:
        tell = ngettext(
            "Tell the operator the name of the worker.",
            "Tell the operator the names of the workers.",
            len(unsure),
        )
        return f"{_what_may_happen(delivery, unsure)} {tell}"
    if delivery.late:
        return _(
            "Workers follow by themselves, usually within a second. If one stays behind, tell the "
            "operator its name."
        )
    return ""


def _what_may_happen(delivery: Delivery, unsure: Sequence[WorkerReceipt]) -> str:
    if not all(delivery.has_change(worker) for worker in unsure):
        return _("Some pages may still follow the earlier setting.")
    if silent := sum(worker.is_silent for worker in unsure):
        return ngettext(
            "It had the change; whether it still answers is not known.",
            "They had the change; whether they still answer is not known.",
            silent,
        )
    return ngettext(
        "It has the change, but may miss the next one.",
        "They have the change, but may miss the next one.",
        len(unsure),
    )


def rows(delivery: Delivery, report: float) -> list[Row]:
    """The workers, those waited for first; ``report`` is how often they report."""
    names = {
        State.APPLIED: _("Serves it"),
        State.PENDING: _("Not yet"),
        State.STALE: _("Unknown"),
        State.GONE: _("Missing"),
    }
    ordered = [
        *delivery.late,
        *delivery.in_state(State.APPLIED),
        *delivery.in_state(State.GONE),
    ]
    return [
        Row(
            worker.name,
            worker.state,
            names[worker.state],
            _("this setting") if delivery.has_change(worker) else _("an earlier one"),
            _("more than %(age)s ago") % {"age": duration(_step(worker.age))}
            if worker.is_silent
            else _("less than %(age)s ago") % {"age": duration(stale_after(report))},
            "" if worker.lag is None else duration(worker.lag),
        )
        for worker in ordered[:MOST_ROWS]
    ]


def _step(age: float) -> float:
    """The last step passed; below the first one the age itself."""
    if age >= _STEPS[-1]:
        return age // 3600 * 3600
    return max((step for step in _STEPS if step <= age), default=age)


def duration(seconds: float) -> str:
    """A duration in one unit; tenths are rounded up, so that it never says too little."""
    if seconds < 9.9:
        tenths = max(1, math.ceil(round(seconds * 10, 3))) / 10
        places = 0 if tenths == int(tenths) else 1
        return _("%(number)s s") % {"number": number_format(tenths, places)}
    if seconds < 120:
        return _("%(number)s s") % {"number": number_format(int(seconds), 0)}
    if seconds < 7200:
        return _("%(number)s min") % {"number": number_format(int(seconds // 60), 0)}
    return _("%(number)s h") % {"number": number_format(int(seconds // 3600), 0)}
