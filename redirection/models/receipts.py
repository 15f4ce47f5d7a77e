"""Receipts: which revision each worker process serves, as it reported itself."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Receipt(models.Model):
    """One worker process: the newest revision it serves, and when it last said so.

    ``worker`` is new with every start of a process. ``steps`` holds the newest revisions it
    moved to, oldest first, each with the moment: ``[[revision, milliseconds since the epoch]]``.
    """

    worker = models.UUIDField(_("worker"), primary_key=True)
    kind = models.CharField(
        _("kind"), max_length=10, choices=[("worker", _("Worker")), ("gate", _("Gate"))]
    )
    host = models.CharField(_("machine"), max_length=100)
    pid = models.PositiveIntegerField(_("process"))
    started_at = models.DateTimeField(_("started"))
    reported_at = models.DateTimeField(_("last report"), db_index=True)
    revision = models.PositiveBigIntegerField(_("revision"))
    is_stale = models.BooleanField(_("serves the last known state"), default=False)
    steps = models.JSONField(_("revisions served"), default=list)

    class Meta:
        ordering = ("kind", "host", "pid")

    def __str__(self) -> str:
        return f"{self.kind} {self.pid} on {self.host}"
