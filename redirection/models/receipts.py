"""Receipts: which revision each worker process serves, as it reported itself."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import models
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from redirection.conf import conf
from redirection.deliveries import (
    Delivery,
    WorkerReceipt,
    is_missing,
    lag_of,
    stale_after,
    state_of,
)

if TYPE_CHECKING:
    from redirection.models.tenants import Tenant

HOST_LENGTH = 100
# More workers than any site runs; beyond it the newest reports count.
MOST = 1000
FORGOTTEN_AFTER = timedelta(days=1)


class ReceiptQuerySet(models.QuerySet["Receipt"]):
    def report(
        self,
        worker: UUID,
        *,
        host: str,
        pid: int,
        started_at: datetime,
        revision: int,
        is_stale: bool,
        steps: Sequence[Sequence[int]],
        kind: str = "worker",
    ) -> None:
        """Write what ``worker`` serves now, at this moment of the store's clock: one upsert."""
        receipt = Receipt(
            worker=worker,
            kind=kind,
            host=host[:HOST_LENGTH],
            pid=pid,
            started_at=started_at,
            # The clocks of machines differ; that of the store is one.
            reported_at=Now(),
            revision=revision,
            is_stale=is_stale,
            steps=steps,
        )
        self.bulk_create(
            [receipt],
            update_conflicts=True,
            unique_fields=["worker"],
            update_fields=["reported_at", "revision", "is_stale", "steps"],
        )

    def withdraw(self, worker: UUID) -> None:
        """``worker`` has ended by itself: nobody waits for it any more."""
        self.filter(worker=worker).delete()

    def forget_old(self) -> int:
        """Remove receipts of workers gone for a day, a bounded number; how many."""
        old = self.filter(reported_at__lt=Now() - FORGOTTEN_AFTER).values("pk")[:MOST]
        return self.filter(pk__in=list(old.values_list("pk", flat=True))).delete()[0]

    def delivery(self, tenant: Tenant) -> Delivery:
        """Where the tenant's newest change has arrived (2 queries)."""
        moments = tenant.changes.annotate(now=Now()).values_list("revision", "at", "now")
        revision, saved_at, now = moments.first() or (0, None, timezone.now())
        # The newest reports first, so that the bound drops those that matter least.
        workers = [
            receipt.standing(revision, saved_at, now)
            for receipt in self.order_by("-reported_at")[:MOST]
        ]
        return Delivery(
            revision=revision,
            read_at=now,
            workers=tuple(sorted(workers, key=lambda worker: worker.name)),
        )


class Receipt(models.Model):
    """One worker process: the newest revision it serves, and when it last said so.

    ``worker`` is new with every start of a process. ``steps`` holds the newest revisions it
    moved to, oldest first, each with the moment: ``[[revision, milliseconds since the epoch]]``.
    """

    worker = models.UUIDField(_("worker"), primary_key=True)
    kind = models.CharField(
        _("kind"), max_length=10, choices=[("worker", _("Worker")), ("gate", _("Gate"))]
    )
    host = models.CharField(_("machine"), max_length=HOST_LENGTH)
    pid = models.PositiveIntegerField(_("process"))
    started_at = models.DateTimeField(_("started"))
    reported_at = models.DateTimeField(_("last report"), db_index=True)
    revision = models.PositiveBigIntegerField(_("revision"))
    is_stale = models.BooleanField(_("serves the last known state"), default=False)
    steps = models.JSONField(_("revisions served"), default=list)

    objects = ReceiptQuerySet.as_manager()

    class Meta:
        ordering = ("kind", "host", "pid")
        verbose_name = _("receipt")
        verbose_name_plural = _("receipts")

    def __str__(self) -> str:
        return f"{self.name}: {self.kind} {self.pid} on {self.host}"

    @property
    def name(self) -> str:
        """What the settings page calls the worker, and the operator pages with its machine."""
        return self.worker.hex[:6]

    def standing(self, revision: int, saved_at: datetime | None, now: datetime) -> WorkerReceipt:
        """What this receipt says at ``now`` about the change with ``revision``."""
        age = max(0.0, (now - self.reported_at).total_seconds())
        is_silent = age >= stale_after(conf().report)
        can_read = not self.is_stale
        state = state_of(
            revision, serves=self.revision, can_read=can_read, is_silent=is_silent, age=age
        )
        since_change = None if saved_at is None else (now - saved_at).total_seconds()
        return WorkerReceipt(
            name=self.name,
            state=state,
            revision=self.revision,
            age=age,
            lag=lag_of(revision, self.steps, saved_at),
            is_silent=is_silent,
            went_missing=is_missing(age, since_change),
        )
