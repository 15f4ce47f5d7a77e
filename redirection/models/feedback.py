"""What people say about the move: each report belongs to the trouble it tells of."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import get_language, gettext_lazy as _

if TYPE_CHECKING:
    from redirection.models.troubles import Trouble

PAGE_LENGTH = 2000
TEXT_LENGTH = 4000


def current_language() -> str:
    """The language somebody is answered in now: what is sent later is in it as well."""
    return get_language() or ""


class FeedbackManager(models.Manager["Feedback"]):
    """Reports with their trouble.

    Those that workers of the release before write during an upgrade have none for some minutes
    (``late_reports``), and are in ``Feedback.everything`` only.
    """

    def get_queryset(self) -> models.QuerySet[Feedback]:
        return super().get_queryset().filter(trouble__isnull=False)


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

    class Source(models.TextChoices):
        """Where somebody began to give it."""

        BANNER = "banner", _("Banner")
        HEADER = "header", _("Header of the new portal")
        NO_COUNTERPART = "no_counterpart", _("Page without a counterpart")
        STEP_BACK = "step_back", _("Opening the old page for one task")
        SWITCH_OFF = "switch_off", _("Switching off")
        OTHER = "other", _("Somewhere else")

    tenant = models.ForeignKey(
        "redirection.Tenant", models.CASCADE, related_name="feedback", verbose_name=_("tenant")
    )
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        related_name="feedback",
        verbose_name=_("person"),
    )
    trouble: models.ForeignKey[Trouble, Trouble] = models.ForeignKey(  # type: ignore[misc]
        "redirection.Trouble",
        models.PROTECT,
        # Only while a worker of the release before still runs; ``objects`` holds none of these.
        null=True,
        related_name="feedback",
        verbose_name=_("trouble"),
    )
    portal = models.CharField(_("portal"), max_length=12, choices=Portal.choices)
    source = models.CharField(
        _("given from"),
        max_length=15,
        choices=Source.choices,
        default=Source.OTHER,
        # For workers of the release before, which know of no source, trouble or language.
        db_default="other",
    )
    page = models.CharField(_("page"), max_length=PAGE_LENGTH, blank=True)
    # Nobody has to rate: a short path is a kind and a sentence.
    rating = models.PositiveSmallIntegerField(
        _("rating"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(5)],
    )
    kind = models.CharField(_("kind"), max_length=15, choices=Kind.choices)
    text = models.TextField(_("text"), max_length=TEXT_LENGTH, blank=True)
    may_contact = models.BooleanField(_("may be contacted"), default=False)
    language = models.CharField(
        _("language"), max_length=20, blank=True, default=current_language, db_default=""
    )
    created_at = models.DateTimeField(_("sent"), default=timezone.now)
    # The newest answer that the sender was shown: one after that is new to them.
    read_at = models.DateTimeField(_("read by the sender"), null=True, blank=True)

    objects = FeedbackManager()
    everything: ClassVar[models.Manager[Feedback]] = models.Manager()

    class Meta:
        ordering = ("-created_at",)
        verbose_name = _("feedback")
        verbose_name_plural = _("feedback")
        indexes = [
            models.Index(fields=["tenant", "-created_at"], name="feedback_of_tenant"),
            models.Index(fields=["person", "-created_at"], name="feedback_of_person"),
            models.Index(fields=["trouble", "-created_at"], name="feedback_of_trouble"),
            # A tenant's reports by trouble, and the tenants of a trouble, without their texts.
            models.Index(fields=["tenant", "trouble", "-created_at"], name="feedback_of_group"),
            models.Index(fields=["trouble", "tenant"], name="feedback_tenants"),
            models.Index(fields=["-created_at"], name="feedback_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.pk}: {self.get_kind_display()}"


class Screenshot(models.Model):
    """The picture somebody added: written anew from its pixels, so that nothing else is in it."""

    feedback = models.OneToOneField(
        Feedback, models.CASCADE, related_name="screenshot", verbose_name=_("feedback")
    )
    # Kept with the row, so that erasing, backing up and restoring one is doing so with both.
    png = models.BinaryField(_("picture"))
    width = models.PositiveIntegerField(_("width"))
    height = models.PositiveIntegerField(_("height"))

    class Meta:
        verbose_name = _("screenshot")
        verbose_name_plural = _("screenshots")

    def __str__(self) -> str:
        return f"{self.feedback_id}: {self.width} x {self.height}"
