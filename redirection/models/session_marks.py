"""Sessions of the legacy portal that run or ran a short while ago.

A mark holds no more than when a session began and was last seen (promise 11).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Count, Q
from django.utils.translation import gettext_lazy as _

from redirection.models.upsert import upsert

if TYPE_CHECKING:
    from redirection.models.tenants import Tenant

# Tenant id and the moment a session began; then when it was last seen, or SessionMark.ended().
Marks = Mapping[tuple[str, int], int]


@dataclass(frozen=True, slots=True)
class RunningAt:
    """How many sessions ran ``at`` a moment, in milliseconds since the epoch."""

    ms: int
    running: int

    @property
    def at(self) -> dt.datetime:
        return _moment(self.ms)


@dataclass(frozen=True, slots=True)
class Falling:
    """How the number of sessions from before a switch falls; ``ends_ms`` is when it must be 0."""

    points: tuple[RunningAt, ...]
    ends_ms: int

    @property
    def ends_at(self) -> dt.datetime:
        return _moment(self.ends_ms)


class SessionMarkQuerySet(models.QuerySet["SessionMark"]):
    """All moments and durations are in milliseconds, moments since the epoch."""

    def running(self, tenant: Tenant, now_ms: int, idle_ms: int, limit_ms: int) -> int:
        """How many legacy sessions run now, given idle time-out and limit. One query."""
        return self.filter(tenant=tenant).filter(_running(now_ms, idle_ms, limit_ms)).count()

    def by_design(self, tenant: Tenant, now_ms: int, idle_ms: int, limit_ms: int) -> int:
        """Those that run now because they began before redirection was switched on.

        0 while it is off. At most one query.
        """
        if not tenant.is_on:
            return 0
        before = self.filter(tenant=tenant, started__lt=_ms(tenant.since))
        return before.filter(_running(now_ms, idle_ms, limit_ms)).count()

    def falling(
        self,
        tenant: Tenant,
        since_ms: int,
        now_ms: int,
        idle_ms: int,
        limit_ms: int,
        points: int = 12,
    ) -> Falling:
        """How many sessions from before ``since_ms`` ran at each point from then until now.

        The points are evenly spread, at least two, and stop where the last session must have
        ended: marks are kept that long and no longer. One query.
        """
        ends = since_ms + limit_ms
        span = max(min(now_ms, ends) - since_ms, 0)
        moments = [since_ms + span * number // (points - 1) for number in range(points)]
        before = self.filter(tenant=tenant, started__lt=since_ms, started__gte=since_ms - limit_ms)
        sums = before.aggregate(
            **{
                f"point_{number}": Count("pk", filter=_running(moment, idle_ms, limit_ms))
                for number, moment in enumerate(moments)
            }
        )
        running = (sums[f"point_{number}"] for number in range(points))
        return Falling(tuple(map(RunningAt, moments, running)), ends)

    def note(self, marks: Marks) -> None:
        """Store when sessions were last seen or ended; the later one counts, an end for good."""
        rows = [(tid, started, seen) for (tid, started), seen in sorted(marks.items())]
        later = (
            "CASE WHEN {new} < 0 OR ({stored} >= 0 AND {new} > {stored}) "
            "THEN {new} ELSE {stored} END"
        )
        upsert(
            self.model, ("tenant", "started", "seen"), ("tenant", "started"), {"seen": later}, rows
        )

    def over_before(self, moment_ms: int) -> Self:
        """Those last seen, or ended, before a moment."""
        return self.filter(Q(seen__gte=0, seen__lt=moment_ms) | Q(seen__lt=0, seen__gt=-moment_ms))


class SessionMark(models.Model):
    """One legacy session of a tenant: when it began and was last seen.

    Both in milliseconds since the epoch, as in its cookie; ``seen`` is negative where a
    sign-out ended the session at that moment. Sessions that began in the same millisecond
    count as one.
    """

    tenant = models.ForeignKey(
        "redirection.Tenant",
        models.CASCADE,
        to_field="tid",
        related_name="session_marks",
        verbose_name=_("tenant"),
    )
    started = models.BigIntegerField(_("began"))
    seen = models.BigIntegerField(_("last seen"))

    objects = SessionMarkQuerySet.as_manager()

    class Meta:
        ordering = ("tenant", "started")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "started"], name="one_mark_a_session")
        ]
        indexes = [models.Index(fields=["seen"], name="mark_seen")]

    def __str__(self) -> str:
        return f"{self.tenant_id} {self.started} to {self.seen}"

    @staticmethod
    def ended(at_ms: int) -> int:
        """What ``seen`` is for a session that a sign-out ended at ``at_ms``."""
        return -at_ms


def _running(moment: int, idle: int, limit: int) -> Q:
    """The sessions that ran at ``moment`` (decisions.LegacySession.is_running), sign-outs apart."""
    return Q(started__lte=moment, started__gte=moment - limit) & (
        Q(seen__gte=moment - idle) | Q(seen__lt=-moment)
    )


def _ms(moment: dt.datetime) -> int:
    return int(moment.timestamp() * 1000)


def _moment(ms: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(ms / 1000, dt.UTC)
