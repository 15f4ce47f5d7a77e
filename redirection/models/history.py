"""The history of changes: append-only, in the order of their revisions."""

from __future__ import annotations

import logging
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from redirection import pushes
from redirection.models.append_only import AppendOnly, AppendOnlyQuerySet
from redirection.models.reasons import REASON_LENGTH, ReasonKind, one_line

if TYPE_CHECKING:
    from redirection.models.tenants import Tenant

logger = logging.getLogger(__name__)

NAME_LENGTH = 150
# A worker that is further behind reads everything again.
TRAIL = 500


class Channel(models.TextChoices):
    """The way a change came."""

    PAGE = "page", _("Settings page")
    COMMAND = "command", _("Command line")
    ADMIN = "admin", _("Operator pages")


class ChangedMeanwhile(Exception):
    """The tenant is not at the revision the page has seen.

    ``change`` is its newest change; None where it has none, and the page comes from another
    history.
    """

    def __init__(self, change: Change | None) -> None:
        super().__init__(f"changed meanwhile: {change}")
        self.change = change


class Revision(models.Model):
    """The one counter that grows with every change, and the lock that orders changes."""

    number = models.PositiveBigIntegerField(default=0)
    # New with every change: two histories that both reached a number, one of them before a
    # backup was restored, differ in it.
    token = models.CharField(max_length=16, default="", editable=False)
    # The newest numbers with their tokens, oldest first.
    trail = models.JSONField(default=list, editable=False)

    def __str__(self) -> str:
        return str(self.number)

    @classmethod
    def latest(cls) -> int:
        """The revision of the newest change; 0 before the first."""
        return cls.newest()[0]

    @classmethod
    def newest(cls) -> tuple[int, str]:
        """The revision of the newest change with its token; 0 and "" before the first."""
        return cls.objects.values_list("number", "token").filter(pk=1).first() or (0, "")

    @classmethod
    def was(cls, number: int, token: str) -> bool:
        """Whether the store's history went through this revision, not long ago."""
        trail = cls.objects.values_list("trail", flat=True).filter(pk=1).first() or []
        return [number, token] in trail

    @classmethod
    def locked(cls) -> Revision:
        """The counter, locked until the transaction ends."""
        cls.objects.get_or_create(pk=1)
        return cls.objects.select_for_update().get(pk=1)

    def advance(self) -> int:
        """The next number, of which all workers hear. Only for the locked counter."""
        self.number += 1
        self.token = secrets.token_hex(8)
        self.trail = [*self.trail, [self.number, self.token]][-TRAIL:]
        self.save(update_fields=["number", "token", "trail"])
        pushes.announce()
        return self.number


@dataclass(frozen=True)
class Provenance:
    """Where a change comes from: why, which way, and by a person or an operator's name."""

    reason: str
    channel: str
    author: Any = None
    operator: str = ""
    reason_kind: str = ""

    @property
    def author_name(self) -> str:
        name = self.operator if self.author is None else str(self.author)
        return one_line(name)[:NAME_LENGTH]


class ChangeQuerySet(AppendOnlyQuerySet["Change"]):
    def record(self, tenant: Tenant, what: str, before: str, after: str, by: Provenance) -> Change:
        """Write the row of a change, at the tenant's new revision, and one line of the log."""
        change = self.create(
            revision=tenant.revision,
            tenant=tenant,
            what=what,
            before=before,
            after=after,
            reason_kind=by.reason_kind,
            reason=by.reason,
            channel=by.channel,
            author=by.author,
            author_name=by.author_name,
        )
        logger.info(
            "Revision %d: %s of %s from %s to %s by %s through %s",
            change.revision, what, tenant.name, before or "nothing", after, by.author_name,
            by.channel,
        )  # fmt: skip
        return change


class Change(AppendOnly):
    """One change of a tenant: who, when, from, to, why, and which way it came."""

    revision = models.PositiveBigIntegerField(_("revision"), unique=True)
    tenant = models.ForeignKey(
        "redirection.Tenant", models.PROTECT, related_name="changes", verbose_name=_("tenant")
    )
    at = models.DateTimeField(_("time"), default=timezone.now)
    what = models.CharField(
        _("what"),
        max_length=10,
        choices=[
            ("setting", _("Automatic redirection")),
            ("stage", _("Stage of the roll-out")),
            ("tenant", _("Organisation")),
            ("step_back", _("Opening the old page for one task")),
        ],
    )
    before = models.CharField(_("from"), max_length=30)
    after = models.CharField(_("to"), max_length=30)
    reason_kind = models.CharField(
        _("kind of reason"), max_length=10, choices=ReasonKind.choices, blank=True
    )
    reason = models.CharField(_("reason"), max_length=REASON_LENGTH)
    channel = models.CharField(_("channel"), max_length=10, choices=Channel.choices)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("account"),
    )
    author_name = models.CharField(_("who"), max_length=NAME_LENGTH)

    objects = ChangeQuerySet.as_manager()

    class Meta:
        ordering = ("-revision",)
        get_latest_by = "revision"
        verbose_name = _("change")
        verbose_name_plural = _("changes")
        indexes = [models.Index(fields=["tenant", "-revision"], name="change_of_tenant")]

    def __str__(self) -> str:
        return f"{self.revision}: {self.tenant_id} {self.what} {self.before} -> {self.after}"
