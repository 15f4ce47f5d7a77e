"""Stepping back for one task: how often it is done, and by how many now.

Counts are per tenant, day, reason and route template. Of one step back no more is stored than
its use once, and whether it still runs, needs: a random number and two moments (promise 11).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from django.db import models, transaction
from django.db.models import Sum
from django.utils.translation import gettext_lazy as _

from redirection.deep_links import destination_for, route_template
from redirection.models.upsert import upsert
from redirection.step_backs import Grant, RunningStepBack

if TYPE_CHECKING:
    from redirection.models.tenants import Tenant

ROUTE_LENGTH = 100


class StepBackReason(models.TextChoices):
    """Why somebody opens the legacy portal for one task."""

    MISSING = "missing", _("Something is missing")
    BROKEN = "broken", _("Something is broken or different")
    TRAINING = "training", _("I have to learn it first")
    DEADLINE = "deadline", _("It has to be done now")
    OTHER = "other", _("Something else")


@dataclass(frozen=True, slots=True)
class StepBacks:
    """How often people of a tenant stepped back in some days, and how many do so now."""

    running: int
    by_code: list[tuple[str, int]]
    by_page: list[tuple[str, int]]

    @property
    def by_reason(self) -> list[tuple[str, int]]:
        """In words, the most frequent first."""
        return [(str(StepBackReason(code).label), times) for code, times in self.by_code]

    @property
    def total(self) -> int:
        return sum(times for _, times in self.by_code)


class StepBackQuerySet(models.QuerySet["StepBack"]):
    def begin(self, tenant: Tenant, reason: str, page: str, now: dt.datetime) -> Grant:
        """Count a step back to ``page`` for a coded ``reason``, and give the grant for it."""
        path, _, fragment = page.partition("#")
        path, _, query = path.partition("?")
        template = route_template(destination_for(path, query, fragment))[:ROUTE_LENGTH]
        until = now + dt.timedelta(minutes=tenant.step_back_minutes)
        with transaction.atomic():
            upsert(
                self.model,
                ("tenant", "day", "reason", "route", "number"),
                ("tenant", "day", "reason", "route"),
                {"number": "{stored} + {new}"},
                [(str(tenant.tid), now.astimezone(dt.UTC).date(), reason, template, 1)],
            )
            row = StepBackGrant.objects.create(tenant=tenant, started=_ms(now), until=_ms(until))
        return Grant(RunningStepBack(str(tenant.tid), row.number, row.started, row.until), page)

    def of(self, tenant: Tenant, now: dt.datetime, days: int, most_used: int = 10) -> StepBacks:
        """The last ``days`` days (UTC), today among them, with the most used pages. 3 queries."""
        today = now.astimezone(dt.UTC).date()
        recent = self.filter(tenant=tenant, day__gt=today - dt.timedelta(days), day__lte=today)

        def most(field: str) -> list[tuple[str, int]]:
            sums = recent.order_by().values_list(field).annotate(times=Sum("number"))
            return list(sums.order_by("-times", field))

        return StepBacks(
            running=StepBackGrant.objects.running(tenant, now).count(),
            by_code=most("reason"),
            by_page=most("route")[:most_used],
        )


class StepBack(models.Model):
    """How often people of a tenant stepped back on one day (UTC), for a reason and a page."""

    tenant = models.ForeignKey(
        "redirection.Tenant",
        models.CASCADE,
        to_field="tid",
        related_name="step_backs",
        verbose_name=_("tenant"),
    )
    day = models.DateField(_("day"))
    reason = models.CharField(_("reason"), max_length=10, choices=StepBackReason.choices)
    route = models.CharField(_("route"), max_length=ROUTE_LENGTH)
    number = models.BigIntegerField(_("number"), default=0)

    objects = StepBackQuerySet.as_manager()

    class Meta:
        ordering = ("tenant", "day", "reason", "route")
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "day", "reason", "route"], name="one_step_back_count_a_day"
            )
        ]

    def __str__(self) -> str:
        return f"{self.tenant_id} {self.day} {self.reason} {self.route}: {self.number}"


class StepBackGrantQuerySet(models.QuerySet["StepBackGrant"]):
    def use(self, step_back: RunningStepBack) -> bool:
        """Use the grant; False if it was used before. Two at once: one of them wins."""
        unused = self.filter(number=step_back.number, is_used=False, is_ended=False)
        return unused.update(is_used=True) == 1

    def end(self, number: UUID) -> None:
        """It runs no more: the person went back."""
        self.filter(number=number).update(is_ended=True)

    def running(self, tenant: Tenant, now: dt.datetime) -> StepBackGrantQuerySet:
        """Those that run now, as far as the site knows: a closed browser is not noticed."""
        if not tenant.allow_step_back or tenant.step_back_since is None:
            return self.none()
        return self.filter(
            tenant=tenant, is_used=True, is_ended=False, until__gt=_ms(now),
            started__gte=_ms(tenant.step_back_since),
        )  # fmt: skip


class StepBackGrant(models.Model):
    """One step back; moments in milliseconds since the epoch, as in its cookie."""

    number = models.UUIDField(_("number"), primary_key=True, default=uuid4, editable=False)
    tenant = models.ForeignKey(
        "redirection.Tenant",
        models.CASCADE,
        related_name="step_back_grants",
        verbose_name=_("tenant"),
    )
    started = models.BigIntegerField(_("began"))
    until = models.BigIntegerField(_("ends"), db_index=True)
    is_used = models.BooleanField(_("was used"), default=False)
    is_ended = models.BooleanField(_("was ended"), default=False)

    objects = StepBackGrantQuerySet.as_manager()

    class Meta:
        ordering = ("started",)

    def __str__(self) -> str:
        return f"{self.tenant_id} {self.started} to {self.until}"


def _ms(moment: dt.datetime) -> int:
    return int(moment.timestamp() * 1000)
