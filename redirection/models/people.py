"""What is known about a person's directory roles in one tenant."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class RoleSnapshot(models.Model):
    """The directory roles a person had in a tenant when last asked, with the moment."""

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        related_name="role_snapshots",
        verbose_name=_("person"),
    )
    tenant = models.ForeignKey(
        "redirection.Tenant",
        models.CASCADE,
        related_name="role_snapshots",
        verbose_name=_("tenant"),
    )
    directory_roles = models.JSONField(_("directory roles"), default=list)
    taken_at = models.DateTimeField(_("taken at"), default=timezone.now)

    class Meta:
        verbose_name = _("role snapshot")
        verbose_name_plural = _("role snapshots")
        constraints = [
            models.UniqueConstraint(fields=["person", "tenant"], name="one_snapshot_a_tenant")
        ]

    def __str__(self) -> str:
        return f"{self.person} / {self.tenant}"
