"""What people say about the move."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Feedback(models.Model):
    """One report about one page, with who sent it and for which tenant."""

    class Kind(models.TextChoices):
        HARD_TO_FIND = "hard_to_find", _("Hard to find or different")
        MISSING = "missing", _("Missing")
        BROKEN = "broken", _("Broken or slow")
        PRAISE = "praise", _("Praise")
        OTHER = "other", _("Something else")

    class Portal(models.TextChoices):
        LEGACY = "legacy", _("Legacy portal")
        DESTINATION = "destination", _("Destination")

    tenant = models.ForeignKey(
        "redirection.Tenant", models.CASCADE, related_name="feedback", verbose_name=_("tenant")
    )
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        related_name="feedback",
        verbose_name=_("person"),
    )
    portal = models.CharField(_("portal"), max_length=12, choices=Portal.choices)
    page = models.CharField(_("page"), max_length=2000, blank=True)
    rating = models.PositiveSmallIntegerField(
        _("rating"), validators=[MinValueValidator(1), MaxValueValidator(5)]
    )
    kind = models.CharField(_("kind"), max_length=15, choices=Kind.choices)
    text = models.TextField(_("text"), max_length=4000, blank=True)
    may_contact = models.BooleanField(_("may be contacted"), default=False)
    created_at = models.DateTimeField(_("sent"), default=timezone.now)

    class Meta:
        ordering = ("-created_at",)
        verbose_name = _("feedback")
        verbose_name_plural = _("feedback")
        indexes = [models.Index(fields=["tenant", "-created_at"], name="feedback_of_tenant")]

    def __str__(self) -> str:
        return f"{self.tenant}: {self.get_kind_display()}"
