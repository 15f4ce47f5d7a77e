"""What a delivery says to a person: sentences, and the lines of its tables."""

from __future__ import annotations

import math
from dataclasses import dataclass

from django.utils.formats import number_format
from django.utils.translation import gettext as _, ngettext

from redirection.deliveries import Delivery, State, WorkerReceipt, stale_after

# So many late workers are named one by one; the table has the others.
NAMED = 3
MOST_ROWS = 100


@dataclass(frozen=True)
class Row:
    """A line of the table of workers."""

    name: str
    state: State
    state_name: str
    revision: int
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
        return ngettext(
            "%(applied)s of %(expected)s worker serves revision %(revision)s, "
            "%(lag)s after it was saved.",
            "%(applied)s of %(expected)s workers serve revision %(revision)s, "
            "%(lag)s after it was saved.",
            delivery.expected,
        ) % {**named, "lag": duration(delivery.slowest_lag)}
    return " ".join(
        [
            ngettext(
                "%(applied)s of %(expected)s worker serves revision %(revision)s.",
                "%(applied)s of %(expected)s workers serve revision %(revision)s.",
                delivery.expected,
            )
            % named,
            *_missing(delivery),
        ]
    )


def _missing(delivery: Delivery) -> list[str]:
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
    return found


def late(delivery: Delivery) -> list[str]:
    """A sentence for each of the first workers that are waited for."""
    return [_why(worker) for worker in delivery.late[:NAMED]]


def _why(worker: WorkerReceipt) -> str:
    if worker.is_silent:
        return _("Worker %(name)s has not reported for %(age)s.") % {
            "name": worker.name,
            "age": duration(worker.age),
        }
    if worker.state is State.STALE:
        return _("Worker %(name)s serves the last settings it could read.") % {"name": worker.name}
    return _("Worker %(name)s still serves revision %(revision)s.") % {
        "name": worker.name,
        "revision": worker.revision,
    }


def next_step(delivery: Delivery) -> str:
    """What to do about what is missing; empty where nothing is."""
    if not delivery.expected:
        return _(
            "The setting is saved. Ask the operator whether the portal's workers run and reach "
            "the store."
        )
    if not delivery.late:
        return ""
    if delivery.in_state(State.STALE):
        return _(
            "Some pages may still follow the earlier setting. Tell the operator the names of the "
            "workers."
        )
    return _(
        "Workers follow by themselves, usually within a second. If one stays behind, tell the "
        "operator its name."
    )


def rows(delivery: Delivery, report: float) -> list[Row]:
    """The workers, those waited for first; ``report`` is how often they report."""
    names = {
        State.APPLIED: _("Serves it"),
        State.PENDING: _("Not yet"),
        State.STALE: _("Unknown"),
        State.GONE: _("Gone"),
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
            worker.revision,
            _("%(age)s ago") % {"age": duration(worker.age)}
            if worker.is_silent
            else _("less than %(age)s ago") % {"age": duration(stale_after(report))},
            "" if worker.lag is None else duration(worker.lag),
        )
        for worker in ordered[:MOST_ROWS]
    ]


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
