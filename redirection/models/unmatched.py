"""Legacy links no rule and no row of the table answers, counted by route template."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.db import models
from django.db.models import Max, Min, Sum
from django.utils.translation import gettext_lazy as _

from redirection.link_templates import REST
from redirection.models.upsert import upsert

TEMPLATE_LENGTH = 100
# A day; the rest is one template, so that nobody fills the store with invented addresses.
MOST_TEMPLATES = 1_000

# Template and day; then page loads, to be added.
Loads = Mapping[tuple[str, dt.date], int]


class UnmatchedLinkQuerySet(models.QuerySet["UnmatchedLink"]):
    def add_loads(self, loads: Loads) -> None:
        """Add ``loads`` to what is stored; two processes may do so at once.

        Beyond MOST_TEMPLATES a day new ones are counted together: a few more where two
        processes bring them in the same moment.
        """
        days = {day for _, day in loads}
        stored = {day: set(self.filter(day=day).values_list("template", flat=True)) for day in days}
        sums: dict[tuple[str, dt.date], int] = {}
        for (template, day), number in sorted(loads.items()):
            known = stored[day]
            if template not in known and len(known) >= MOST_TEMPLATES:
                template = REST
            known.add(template)
            sums[template, day] = sums.get((template, day), 0) + number
        upsert(
            self.model,
            ("template", "day", "loads"),
            ("day", "template"),
            {"loads": "{stored} + {new}"},
            [(template, day, number) for (template, day), number in sorted(sums.items())],
        )

    def by_template(self) -> Any:
        """A query set of each template with ``total``, ``first_seen`` and ``last_seen``, as
        dictionaries; most used first."""
        return (
            self.order_by()
            .values("template")
            .annotate(total=Sum("loads"), first_seen=Min("day"), last_seen=Max("day"))
            .filter(total__gt=0)
            .order_by("-total", "template")
        )


class UnmatchedLink(models.Model):
    """Page loads on one day (UTC), of all tenants, of pages without a rule or a row.

    One count may fall below zero, as a load moves when the browser tells its fragment, and the
    two may be written by different processes.
    """

    day = models.DateField(_("day"))
    template = models.CharField(_("route"), max_length=TEMPLATE_LENGTH)
    loads = models.BigIntegerField(_("page loads"), default=0)

    objects = UnmatchedLinkQuerySet.as_manager()

    class Meta:
        ordering = ("day", "template")
        verbose_name = _("unmatched link")
        verbose_name_plural = _("unmatched links")
        constraints = [
            models.UniqueConstraint(fields=["day", "template"], name="one_unmatched_a_day")
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.template}: {self.loads}"
