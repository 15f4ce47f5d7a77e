"""What is known about a person's roles in one tenant."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from redirection.roles import LocalRoleName


class RoleSnapshot(models.Model):
    """The directory roles a person had in a tenant when last asked, with the moment."""

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="role_snapshots"
    )
    tenant = models.ForeignKey("redirection.Tenant", models.CASCADE, related_name="role_snapshots")
    directory_roles = models.JSONField(_("directory roles"), default=list)
    taken_at = models.DateTimeField(_("taken at"), default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["person", "tenant"], name="one_snapshot_a_tenant")
        ]

    def __str__(self) -> str:
        return f"{self.person} / {self.tenant}"


class LocalRole(models.Model):
    """A role of the product given to a person in one tenant."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="local_roles")
    tenant = models.ForeignKey("redirection.Tenant", models.CASCADE, related_name="local_roles")
    role = models.CharField(
        _("role"),
        max_length=40,
        choices=[
            (LocalRoleName.GLOBAL_ADMINISTRATOR.value, _("Global administrator")),
            (LocalRoleName.COMPLIANCE_ADMINISTRATOR.value, _("Compliance administrator")),
            (LocalRoleName.SECURITY_READER.value, _("Security reader")),
            (LocalRoleName.SECURITY_OPERATOR.value, _("Security operator")),
            (LocalRoleName.APP_INSTANCE_ADMIN.value, _("App/instance admin")),
            (LocalRoleName.USER_GROUP_ADMIN.value, _("User group admin")),
            (
                LocalRoleName.CLOUD_DISCOVERY_GLOBAL_ADMIN.value,
                _("Cloud Discovery global admin"),
            ),
            (
                LocalRoleName.CLOUD_DISCOVERY_REPORT_ADMIN.value,
                _("Cloud Discovery report admin"),
            ),
        ],
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["person", "tenant"], name="one_local_role_a_tenant")
        ]

    def __str__(self) -> str:
        return f"{self.person} / {self.tenant}: {self.get_role_display()}"
