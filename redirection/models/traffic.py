"""What is counted: page loads by day and route template, and sessions that still run.

Nothing here is about a person: a mark holds no more than when a session began and was last
seen (design, promise 11).
"""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

# Longer than every route template of the route table.
ROUTE_LENGTH = 100


class Traffic(models.Model):
    """Page loads of one tenant's legacy portal on one day (UTC) for one route template.

    ``kept`` counts those the legacy portal answered, ``redirected`` those that went to the
    destination.
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

    class Meta:
        ordering = ("tenant", "day", "route")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "day", "route"], name="one_count_a_day")
        ]

    def __str__(self) -> str:
        return f"{self.tenant_id} {self.day} {self.route}: {self.kept}, {self.redirected}"


class SessionMark(models.Model):
    """One legacy session of a tenant: when it began and was last seen.

    Both in milliseconds since the epoch, as in its cookie. Sessions that began in the same
    millisecond count as one.
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

    class Meta:
        ordering = ("tenant", "started")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "started"], name="one_mark_a_session")
        ]
        indexes = [models.Index(fields=["seen"], name="mark_seen")]

    def __str__(self) -> str:
        return f"{self.tenant_id} {self.started} to {self.seen}"
