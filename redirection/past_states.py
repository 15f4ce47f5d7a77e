"""What a tenant was like at a moment, rebuilt from its history."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from datetime import datetime

from redirection.models import Change, Tenant

_NO_STEP_BACK = "off"


@dataclass(frozen=True)
class PastState:
    """A tenant at a moment.

    ``row`` is an unsaved copy with setting, stage, enabled, since and revision of that moment;
    name, cloud and everything else without a history are today's. ``change`` is the newest
    change then, ``switch`` the one since which redirection was on or off (None: never
    switched).
    """

    row: Tenant
    change: Change
    switch: Change | None


def state_at(tenant: Tenant, at: datetime) -> PastState | None:
    """``tenant`` as it was ``at`` (aware); None before its first change. One query."""
    changes = list(tenant.changes.order_by("revision"))
    made = [change for change in changes if change.at <= at]
    if not made:
        return None
    last = made[-1]
    row = copy(tenant)
    for change in reversed(changes):
        _put(row, change, change.before)
    switch, allowed = None, None
    for change in changes:
        was_on, was_allowed = row.is_on, row.allow_step_back
        if change.revision > last.revision:
            break
        _put(row, change, change.after)
        if row.is_on != was_on:
            switch = change
        if row.allow_step_back and not was_allowed:
            allowed = change
    later = changes[changes.index(last) + 1 :]
    if _switches(row, later):
        # The row's own moment is that of a later switch; the history has this one's.
        row.since = switch.at if switch else changes[0].at
    if any(change.what == "step_back" for change in later):
        row.step_back_since = allowed.at if allowed else None
    row.revision = last.revision
    return PastState(row, last, switch)


def _switches(row: Tenant, changes: list[Change]) -> bool:
    """Whether one of ``changes`` made to ``row`` switches redirection."""
    row, was_on = copy(row), row.is_on
    for change in changes:
        _put(row, change, change.after)
        if row.is_on != was_on:
            return True
    return False


def _put(row: Tenant, change: Change, value: str) -> None:
    if change.what in ("setting", "stage"):
        setattr(row, change.what, value)
    elif change.what == "tenant":
        row.enabled = value == "enabled"
    elif change.what == "step_back":
        row.allow_step_back = value != _NO_STEP_BACK
        if value.isdecimal():
            row.step_back_minutes = int(value)
