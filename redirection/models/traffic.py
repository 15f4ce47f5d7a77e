"""Page loads, counted by tenant, day and route template; nothing about a person (promise 11)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Sum
from django.utils.translation import gettext_lazy as _

from redirection.deep_links import UNKNOWN_PAGE, Counterpart, counterpart_of
from redirection.models.upsert import upsert

if TYPE_CHECKING:
    from redirection.models.tenants import Tenant

# Longer than every route template of the route table.
ROUTE_LENGTH = 100

# Tenant id, day and route template; then page loads kept and redirected, to be added.
Counts = Mapping[tuple[str, dt.date, str], tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Loads:
    """Page loads of some days."""

    kept: int
    redirected: int

    @property
    def total(self) -> int:
        return self.kept + self.redirected


@dataclass(frozen=True, slots=True)
class DayLoads:
    """Page loads of one day (UTC)."""

    day: dt.date
    kept: int
    redirected: int

    @property
    def total(self) -> int:
        return self.kept + self.redirected


@dataclass(frozen=True, slots=True)
class RouteLoads:
    """Page loads, kept and redirected, of one route template without an exact counterpart.

    ``feature`` is the English name of the page, empty where the route table has none.
    """

    route: str
    feature: str
    counterpart: Counterpart
    loads: int


@dataclass(frozen=True, slots=True)
class Shares:
    """Page loads, kept and redirected, by how well the destination answers their page.

    ``unknown`` are loads whose page only the browser knew and did not tell; ``unmatched`` the
    most used templates whose counterpart is the nearest place or missing.
    """

    exact: int = 0
    nearest: int = 0
    none: int = 0
    unknown: int = 0
    unmatched: tuple[RouteLoads, ...] = ()

    @property
    def total(self) -> int:
        return self.exact + self.nearest + self.none + self.unknown


class TrafficQuerySet(models.QuerySet["Traffic"]):
    def by_day(self, tenant: Tenant, today: dt.date, days: int) -> list[DayLoads]:
        """Each of the last ``days`` days, oldest first; zeros where nothing was counted."""
        rows = (
            self._last(tenant, today, days)
            .order_by("day")
            .values_list("day")
            .annotate(Sum("kept"), Sum("redirected"))
        )
        found = {day: DayLoads(day, max(kept, 0), max(gone, 0)) for day, kept, gone in rows}
        first = today - dt.timedelta(days - 1)
        every = (first + dt.timedelta(number) for number in range(days))
        return [found.get(day) or DayLoads(day, 0, 0) for day in every]

    def counterparts(
        self, tenant: Tenant, today: dt.date, days: int, most_used: int = 10
    ) -> Shares:
        """How well the destination answers the pages of the last ``days`` days. One query.

        Never more loads than ``by_day`` says: a load that left one page without having been
        counted there is taken off the others, in proportion.
        """
        rows = (
            self._last(tenant, today, days)
            .order_by("route")
            .values_list("route")
            .annotate(loads=Sum("kept") + Sum("redirected"))
        )
        sums = dict.fromkeys(Counterpart, 0)
        unknown = 0
        unmatched: list[RouteLoads] = []
        for route, loads in _netted(dict(rows)).items():
            if route == UNKNOWN_PAGE:
                unknown = loads
                continue
            counterpart, feature = counterpart_of(route)
            sums[counterpart] += loads
            if counterpart is not Counterpart.EXACT and loads:
                page = route.partition(" ")[0]
                unmatched.append(RouteLoads(page, feature, counterpart, loads))
        unmatched.sort(key=lambda row: (-row.loads, row.route))
        return Shares(
            sums[Counterpart.EXACT],
            sums[Counterpart.NEAREST],
            sums[Counterpart.NONE],
            unknown,
            tuple(unmatched[:most_used]),
        )

    def add(self, counts: Counts) -> None:
        """Add ``counts`` to what is stored; two processes may do so at once."""
        rows = [
            (tid, day, route, kept, redirected)
            for (tid, day, route), (kept, redirected) in sorted(counts.items())
        ]
        upsert(
            self.model,
            ("tenant", "day", "route", "kept", "redirected"),
            ("tenant", "day", "route"),
            {"kept": "{stored} + {new}", "redirected": "{stored} + {new}"},
            rows,
        )

    def _last(self, tenant: Tenant, today: dt.date, days: int) -> Self:
        first = today - dt.timedelta(days - 1)
        return self.filter(tenant=tenant, day__gte=first, day__lte=today)


class Traffic(models.Model):
    """Page loads of one tenant's legacy portal on one day (UTC) for one route template.

    ``kept`` counts those the legacy portal answered, ``redirected`` those that went to the
    destination. Either may fall below zero for one route: a load moves from the unknown page
    to its own when the browser tells, and the two may be written by different processes.
    """

    tenant = models.ForeignKey(
        "redirection.Tenant",
        models.CASCADE,
        to_field="tid",
        related_name="traffic",
        verbose_name=_("tenant"),
    )
    day = models.DateField(_("day"))
    route = models.CharField(_("route"), max_length=ROUTE_LENGTH)
    kept = models.BigIntegerField(_("kept"), default=0)
    redirected = models.BigIntegerField(_("redirected"), default=0)

    objects = TrafficQuerySet.as_manager()

    class Meta:
        ordering = ("tenant", "day", "route")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "day", "route"], name="one_count_a_day")
        ]
        # Over all tenants, for what people report of a page.
        indexes = [models.Index(fields=["route", "day"], name="traffic_of_route")]

    def __str__(self) -> str:
        return f"{self.tenant_id} {self.day} {self.route}: {self.kept}, {self.redirected}"


def _netted(sums: dict[str, int]) -> dict[str, int]:
    """``sums`` without negative ones: these are taken off the positive ones, in proportion."""
    positive = {route: loads for route, loads in sums.items() if loads > 0}
    whole, left = sum(positive.values()), max(sum(sums.values()), 0)
    netted: dict[str, int] = {}
    gone = given = 0
    for route, loads in positive.items():
        gone += loads
        # Rounding the running sum loses no load.
        netted[route] = gone * left // whole - given
        given += netted[route]
    return netted
