"""Who was refused what: for operators, and no longer kept than the settings say."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from redirection.models.history import NAME_LENGTH


class Refusal(models.Model):
    """One refused attempt: who, on which tenant, what, when, from where, and how often then.

    The same again within a minute is counted in the row that is there, so that whoever tries
    without end fills neither the store nor the page.
    """

    at = models.DateTimeField(_("time"), default=timezone.now)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        null=True,
        related_name="+",
        verbose_name=_("account"),
    )
    who = models.CharField(_("who"), max_length=NAME_LENGTH, blank=True)
    # As asked for: it may be none of the tenants there are.
    tenant_asked = models.CharField(_("organisation asked for"), max_length=64, blank=True)
    tenant = models.ForeignKey(
        "redirection.Tenant", models.CASCADE, null=True, related_name="+", verbose_name=_("tenant")
    )
    what = models.CharField(_("what"), max_length=30)
    method = models.CharField(_("method"), max_length=10)
    path = models.CharField(_("path"), max_length=200)
    address = models.GenericIPAddressField(_("from"), null=True)
    reference = models.CharField(_("reference"), max_length=16, blank=True)
    times = models.PositiveIntegerField(_("times"), default=1)

    class Meta:
        ordering = ("-at", "-pk")
        verbose_name = _("refusal")
        verbose_name_plural = _("refusals")
        indexes = [
            models.Index(fields=["-at"], name="refusals_by_time"),
            models.Index(fields=["tenant", "-at"], name="refusals_of_tenant"),
        ]

    def __str__(self) -> str:
        return f"{self.pk}: {self.what}"
