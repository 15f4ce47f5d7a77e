"""The history of local roles: append-only, in the order it happened."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from redirection.models.append_only import AppendOnly, AppendOnlyQuerySet
from redirection.models.history import NAME_LENGTH, Channel, Provenance
from redirection.models.reasons import REASON_LENGTH, one_line
from redirection.role_names import LOCAL_ROLE_CHOICES

if TYPE_CHECKING:
    from redirection.models.tenants import Tenant

logger = logging.getLogger(__name__)


class LocalRoleChangeQuerySet(AppendOnlyQuerySet["LocalRoleChange"]):
    def record(
        self, tenant: Tenant, person: Any, before: str, after: str, by: Provenance
    ) -> LocalRoleChange:
        """Write the row of a change, and one line of the log."""
        change = self.create(
            tenant=tenant,
            person=person,
            person_name=one_line(str(person))[:NAME_LENGTH],
            before=before,
            after=after,
            reason=by.reason,
            channel=by.channel,
            author=by.author,
            author_name=by.author_name,
        )
        logger.info(
            "Local role of %s in %s from %s to %s by %s through %s",
            person.get_username(), tenant.name, before or "none", after or "none",
            by.author_name, by.channel,
        )  # fmt: skip
        return change


class LocalRoleChange(AppendOnly):
    """One change of a local role: whose, who, when, from, to, why, and which way it came."""

    tenant = models.ForeignKey(
        "redirection.Tenant",
        models.PROTECT,
        related_name="local_role_changes",
        verbose_name=_("tenant"),
    )
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("person")
    )
    person_name = models.CharField(_("name"), max_length=NAME_LENGTH)
    at = models.DateTimeField(_("time"), default=timezone.now)
    before = models.CharField(_("from"), max_length=40, choices=LOCAL_ROLE_CHOICES, blank=True)
    after = models.CharField(_("to"), max_length=40, choices=LOCAL_ROLE_CHOICES, blank=True)
    reason = models.CharField(_("reason"), max_length=REASON_LENGTH)
    channel = models.CharField(
        _("channel"),
        max_length=10,
        choices=[(Channel.PAGE.value, _("Roles page")), (Channel.COMMAND.value, _("Command line"))],
    )
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("account"),
    )
    author_name = models.CharField(_("who"), max_length=NAME_LENGTH)

    objects = LocalRoleChangeQuerySet.as_manager()

    class Meta:
        ordering = ("-pk",)
        verbose_name = _("local role change")
        verbose_name_plural = _("local role changes")
        indexes = [models.Index(fields=["tenant", "-id"], name="role_change_of_tenant")]

    def __str__(self) -> str:
        return f"{self.person_name} / {self.tenant_id}: {self.before} -> {self.after}"
