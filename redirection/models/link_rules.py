"""Deep link rules of the operator, and the one way they change: checked, with a history row."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterator, Mapping
from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from redirection.link_rules import (
    LONGEST_NOTE,
    LONGEST_QUERY,
    LONGEST_SOURCE,
    LONGEST_TARGET,
    Kind,
    LinkRule,
    Part,
)
from redirection.models.append_only import AppendOnly, AppendOnlyQuerySet
from redirection.models.history import NAME_LENGTH, Channel, Provenance
from redirection.models.reasons import REASON_LENGTH
from redirection.models.upsert import upsert
from redirection.routes import Counterpart

logger = logging.getLogger(__name__)

_CHUNK = 2_000
_SUMMARY_LENGTH = 300


class DeepLinkRuleQuerySet(models.QuerySet["DeepLinkRule"]):
    def as_rules(self) -> Iterator[LinkRule]:
        """The rules as they are checked and held, read in chunks. One query."""
        fields = (
            "pk", "kind", "source", "target", "part", "query", "counterpart", "cloud", "enabled",
            "note",
        )  # fmt: skip
        for row in self.order_by("pk").values_list(*fields).iterator(chunk_size=_CHUNK):
            yield LinkRule(*row)


class DeepLinkRule(models.Model):
    """One rule; its number is its primary key. Changed through ``link_rule_changes`` only."""

    kind = models.CharField(
        _("kind"),
        max_length=10,
        default=Kind.EXACT.value,
        choices=[
            (Kind.EXACT.value, _("Exactly this page")),
            (Kind.PREFIX.value, _("This page and all below it")),
            (Kind.PATTERN.value, _("Pattern")),
        ],
    )
    source = models.CharField(
        _("old address"),
        max_length=LONGEST_SOURCE,
        help_text=_("Route of the legacy portal, such as /reports/old, with or without #."),
    )
    part = models.CharField(
        _("stands"),
        max_length=10,
        default=Part.ANY.value,
        choices=[
            (Part.ANY.value, _("In the path or behind #")),
            (Part.PATH.value, _("In the path")),
            (Part.FRAGMENT.value, _("Behind #")),
        ],
    )
    target = models.CharField(
        _("new address"),
        max_length=LONGEST_TARGET,
        help_text=_(
            "Path on the destination, such as /reports/new, with {rest}, {1} or {name} for what "
            "was captured. #/route means: as that legacy route."
        ),
    )
    query = models.CharField(
        _("parameters"),
        max_length=LONGEST_QUERY,
        blank=True,
        help_text=_(
            "Empty keeps them all. Instructions, separated by semicolons: drop; drop NAME; "
            "rename OLD=NEW; set NAME=VALUE."
        ),
    )
    counterpart = models.CharField(
        _("counterpart"),
        max_length=10,
        default=Counterpart.EXACT.value,
        choices=[
            (Counterpart.EXACT.value, _("Exact: go straight there")),
            (Counterpart.NEAREST.value, _("Nearest place: say so")),
            (Counterpart.NONE.value, _("None: say so")),
        ],
    )
    cloud = models.CharField(
        _("cloud"), max_length=30, blank=True, help_text=_("Empty means all clouds.")
    )
    enabled = models.BooleanField(_("enabled"), default=True)
    note = models.CharField(_("note"), max_length=LONGEST_NOTE, blank=True)

    objects = DeepLinkRuleQuerySet.as_manager()

    class Meta:
        ordering = ("pk",)
        verbose_name = _("deep link rule")
        verbose_name_plural = _("deep link rules")
        constraints = [
            models.UniqueConstraint(
                fields=["cloud", "part", "kind", "source"],
                name="one_rule_a_source",
                violation_error_message=_("Another rule has the same source."),
            )
        ]

    def __str__(self) -> str:
        return f"{self.pk}: {self.source}"


class DeepLinkRuleUseQuerySet(models.QuerySet["DeepLinkRuleUse"]):
    def note(self, uses: Mapping[int, dt.date]) -> None:
        """Each rule of ``uses`` was last used on that day, or later. Two processes may do so."""
        upsert(
            self.model,
            ("rule", "last_used_on"),
            ("rule",),
            {"last_used_on": "CASE WHEN {new} > {stored} THEN {new} ELSE {stored} END"},
            sorted(uses.items()),
        )


class DeepLinkRuleUse(models.Model):
    """The last day (UTC) a link was answered by a rule; nothing about who followed it."""

    # Without a constraint: a process may still note a rule that was deleted a moment ago.
    rule = models.OneToOneField(
        DeepLinkRule,
        models.CASCADE,
        primary_key=True,
        db_constraint=False,
        related_name="use",
        verbose_name=_("deep link rule"),
    )
    last_used_on = models.DateField(_("last used"))

    objects = DeepLinkRuleUseQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.rule_id}: {self.last_used_on}"


class DeepLinkRuleChangeQuerySet(AppendOnlyQuerySet["DeepLinkRuleChange"]):
    def record(
        self,
        revision: int,
        counts: tuple[int, int, int],
        summary: str,
        by: Provenance,
        undo: str = "",
    ) -> DeepLinkRuleChange:
        """Write the row of a change: how many rules were added, changed and removed.

        ``undo`` is a file of rules that takes the change back.
        """
        added, changed, removed = counts
        change = self.create(
            revision=revision,
            added=added,
            changed=changed,
            removed=removed,
            summary=summary[:_SUMMARY_LENGTH],
            undo=undo,
            reason=by.reason,
            channel=by.channel,
            author=by.author,
            author_name=by.author_name,
        )
        logger.info(
            "Revision %d: deep link rules, %d added, %d changed, %d removed by %s through %s",
            revision, added, changed, removed, by.author_name, by.channel,
        )  # fmt: skip
        return change


class DeepLinkRuleChange(AppendOnly):
    """One change of the rules: who, when, how many, why, and which way it came.

    ``summary`` tells a single rule before and after; it is empty for an import. ``undo`` is a
    file of rules (CSV) that takes the change back when it is imported; empty for changes of
    before it was kept.
    """

    revision = models.PositiveBigIntegerField(_("revision"), unique=True)
    at = models.DateTimeField(_("time"), default=timezone.now)
    added = models.PositiveIntegerField(_("added"))
    changed = models.PositiveIntegerField(_("changed"))
    removed = models.PositiveIntegerField(_("removed"))
    summary = models.CharField(_("what"), max_length=_SUMMARY_LENGTH, blank=True)
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
    undo = models.TextField(_("undo"), blank=True, default="", editable=False)

    objects = DeepLinkRuleChangeQuerySet.as_manager()

    class Meta:
        ordering = ("-revision",)
        verbose_name = _("change of deep link rules")
        verbose_name_plural = _("changes of deep link rules")

    def __str__(self) -> str:
        return f"{self.revision}: +{self.added} ~{self.changed} -{self.removed}"

    @classmethod
    def latest_revision(cls) -> int:
        """The revision of the newest change of the rules; 0 before the first."""
        return cls.objects.values_list("revision", flat=True).first() or 0


class DeepLinkRuleUpload(models.Model):
    """A file of rules that was checked on the import page and waits to be applied.

    What is applied is this text and nothing else. It goes when it has been applied, or after
    a day.
    """

    uploaded_at = models.DateTimeField(_("time"), default=timezone.now)
    author: models.ForeignKey[Any, Any] = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", verbose_name=_("account")
    )
    name = models.CharField(_("file"), max_length=200)
    text = models.TextField(_("rules"))
    replace = models.BooleanField(_("replaces all rules"), default=False)
    reason = models.CharField(_("reason"), max_length=REASON_LENGTH)

    def __str__(self) -> str:
        return self.name
