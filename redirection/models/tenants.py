"""Tenants and the one way their setting changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from redirection import decisions, switches
from redirection.conf import conf
from redirection.decisions import Setting, Stage, redirection_is_on
from redirection.models.history import (
    Change,
    ChangedMeanwhile,
    Provenance,
    Revision,
)
from redirection.models.reasons import checked_kind, checked_reason
from redirection.models.step_back_allowance import StepBackAllowance

if TYPE_CHECKING:
    from django.db.models.fields.related_descriptors import RelatedManager

# What an operator says about a tenant; setting and stage have methods of their own.
OPERATOR_FIELDS = ("tid", "name", "title", "cloud", "enabled")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class TenantQuerySet(models.QuerySet["Tenant"]):
    def known_to(self, person: Any) -> Self:
        """The enabled tenants this person has signed in to or has a local role in."""
        from redirection.models.local_roles import LocalRole
        from redirection.models.people import RoleSnapshot

        # Not two joins: they would look at every tenant there is.
        theirs = [
            model.objects.filter(person=person).order_by().values("tenant")
            for model in (RoleSnapshot, LocalRole)
        ]
        return self.filter(pk__in=theirs[0].union(theirs[1]), enabled=True)


class Tenant(StepBackAllowance):
    """An organisation that owns one setting."""

    tid = models.UUIDField(_("tenant id"), unique=True)
    name = models.CharField(
        _("name"),
        max_length=63,
        unique=True,
        validators=[RegexValidator(r"\A[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\Z")],
        help_text=_("First label of the tenant's legacy host, such as contoso."),
    )
    title = models.CharField(_("organisation"), max_length=100)
    cloud = models.CharField(_("cloud"), max_length=30, default="commercial")
    enabled = models.BooleanField(
        _("enabled"), default=True, help_text=_("Off: nobody signs in and nothing is redirected.")
    )
    stage = models.CharField(
        _("stage"),
        max_length=10,
        default=Stage.OPT_IN.value,
        choices=[
            (Stage.OPT_IN.value, _("Opt in")),
            (Stage.OPT_OUT.value, _("Opt out")),
            (Stage.FORCED.value, _("Forced")),
        ],
    )
    setting = models.CharField(
        _("setting"),
        max_length=10,
        default=Setting.NOT_SET.value,
        choices=[
            (Setting.NOT_SET.value, _("Not set")),
            (Setting.ON.value, _("On")),
            (Setting.OFF.value, _("Off")),
        ],
    )
    since = models.DateTimeField(_("effective since"), default=timezone.now, editable=False)
    revision = models.PositiveBigIntegerField(
        _("revision"), default=0, editable=False, db_index=True
    )
    if TYPE_CHECKING:
        changes: RelatedManager[Change]

    objects = TenantQuerySet.as_manager()

    class Meta:
        ordering = ("name",)
        verbose_name = _("tenant")
        verbose_name_plural = _("tenants")
        permissions = [
            ("view_redirection", "Can see automatic redirection"),
            ("switch_redirection", "Can switch automatic redirection"),
        ]

    def __str__(self) -> str:
        return self.title

    def clean(self) -> None:
        if self.name in conf().regions:
            raise ValidationError({"name": _("This is the name of a region.")})
        if self.cloud not in conf().clouds:
            known = ", ".join(conf().clouds)
            raise ValidationError({"cloud": _("Known clouds: %(known)s.") % {"known": known}})

    def as_held(self) -> decisions.Tenant:
        """The tenant as a worker that has read it holds it in memory."""
        return decisions.Tenant(
            tid=str(self.tid),
            name=self.name,
            cloud=self.cloud,
            on=self.is_on,
            since=_ms(self.since),
            revision=self.revision,
            step_back_since=_ms(self.step_back_since) if self.allow_step_back else None,
        )

    @property
    def is_on(self) -> bool:
        return redirection_is_on(self.stage, self.setting)

    @property
    def is_forced(self) -> bool:
        return self.stage == Stage.FORCED

    @property
    def destination(self) -> str | None:
        """The destination origin, such as ``https://security.microsoft.com``."""
        return conf().destination(self.cloud)

    def switch_redirection(
        self,
        wanted: str,
        *,
        reason_kind: str,
        reason: str,
        channel: str,
        author: Any = None,
        operator: str = "",
        seen_revision: int | None = None,
    ) -> Change | None:
        """Set the tenant's setting to ``wanted`` ("on" or "off") and write the history.

        The change is by ``author``, a person with roles in the tenant, or by ``operator``,
        the name of whoever holds the shell. Returns the change, or None if the setting
        already was as wanted. Raises PermissionDenied if the author may not switch, RolesTooOld,
        ValidationError for a wrong value, a missing reason or kind or a forced stage, and
        ChangedMeanwhile if the tenant is no longer at ``seen_revision``.
        """
        if wanted not in (Setting.ON, Setting.OFF):
            raise ValidationError({"wanted": _("Choose on or off.")}, code="wanted")
        with transaction.atomic():
            revision = self._locked(author, operator)
            if self.is_forced and wanted == Setting.OFF:
                raise ValidationError(
                    _("Redirection is on for every organisation and can no longer be switched."),
                    code="forced",
                )
            if wanted == self.setting or self.is_forced:
                return None
            if seen_revision is not None and seen_revision != self.revision:
                raise ChangedMeanwhile(self.changes.first())
            by = Provenance(
                checked_reason(reason), channel, author, operator, checked_kind(reason_kind)
            )
            return self._change(revision, "setting", wanted, by)

    def change_stage(
        self, stage: str, *, reason_kind: str, reason: str, channel: str, operator: str
    ) -> Change | None:
        """Move the roll-out of this tenant to ``stage``: an operator's decision.

        Returns the change, or None if the tenant already was at that stage. Raises
        ValidationError for an unknown stage or a missing reason or kind.
        """
        if stage not in list(Stage):
            raise ValidationError({"stage": _("Choose opt_in, opt_out or forced.")}, code="stage")
        with transaction.atomic():
            revision = self._locked(None, operator)
            if stage == self.stage:
                return None
            by = Provenance(
                checked_reason(reason), channel, None, operator, checked_kind(reason_kind)
            )
            return self._change(revision, "stage", stage, by)

    def provision(self, *, reason: str, channel: str, operator: str) -> Change:
        """Save a new tenant, or what an operator changed about one, with its history row.

        Raises ValidationError for a missing reason.
        """
        by = Provenance(checked_reason(reason), channel, operator=operator)
        with transaction.atomic():
            revision = Revision.locked()
            stored = Tenant.objects.filter(pk=self.pk).first()
            self.revision = revision.advance()
            if stored is None:
                self.save()
            else:
                # Setting and stage may have changed since this object was loaded.
                self.save(update_fields=[*OPERATOR_FIELDS, "revision"])
            before = "" if stored is None else _state(stored)
            return self._record("tenant", before, _state(self), by)

    def _locked(self, author: Any, operator: str) -> Revision:
        """Lock the order of changes and read afresh: another worker may have written.

        Raises PermissionDenied unless the author may switch, or an operator is named, and
        RolesTooOld if the author's roles must be asked for again first.
        """
        from redirection.permissions import require_may_change

        revision = Revision.locked()
        self.refresh_from_db()
        require_may_change(self, author, operator)
        return revision

    def _change(self, revision: Revision, what: str, wanted: str, by: Provenance) -> Change:
        before, was_on = getattr(self, what), self.is_on
        setattr(self, what, wanted)
        if self.is_on != was_on:
            self.since = timezone.now()
        self.revision = revision.advance()
        self.save(update_fields=[what, "revision", "since"])
        return self._record(what, before, wanted, by)

    def _record(self, what: str, before: str, after: str, by: Provenance) -> Change:
        change = Change.objects.record(self, what, before, after, by)
        transaction.on_commit(switches.changed)
        return change


def _state(tenant: Tenant) -> str:
    return "enabled" if tenant.enabled else "disabled"


def _ms(moment: datetime | None) -> int:
    """``moment`` in whole milliseconds since the epoch."""
    return (moment - _EPOCH) // timedelta(milliseconds=1) if moment else 0
