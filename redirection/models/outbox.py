"""What waits to be sent: webhooks and e-mail, written with what they tell of."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from redirection.models.feedback import current_language


class WebhookEndpoint(models.Model):
    """An address that is told of feedback: of one tenant's, or of all where none is named.

    Its secret is derived from the site's key, never stored.
    """

    tenant = models.ForeignKey(
        "redirection.Tenant",
        models.CASCADE,
        null=True,
        blank=True,
        related_name="webhooks",
        verbose_name=_("tenant"),
        help_text=_("Only what happens there is sent. Leave empty for all organisations."),
    )
    url = models.URLField(_("address"), max_length=500)
    is_active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(_("added"), default=timezone.now)

    class Meta:
        ordering = ("url",)
        verbose_name = _("webhook")
        verbose_name_plural = _("webhooks")

    def __str__(self) -> str:
        return self.url


class DigestSubscription(models.Model):
    """Who gets a summary by e-mail: of one tenant, or, for operators, of all."""

    class Every(models.TextChoices):
        DAY = "day", _("Every day")
        WEEK = "week", _("Every week")

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        related_name="digests",
        verbose_name=_("person"),
    )
    tenant = models.ForeignKey(
        "redirection.Tenant",
        models.CASCADE,
        null=True,
        blank=True,
        related_name="digests",
        verbose_name=_("tenant"),
    )
    every = models.CharField(_("how often"), max_length=5, choices=Every.choices)
    # Mail is sent without a request, which would say it.
    language = models.CharField(_("language"), max_length=20, blank=True, default=current_language)
    # What happened before is in an earlier digest.
    told_until = models.DateTimeField(_("told until"), default=timezone.now)

    class Meta:
        ordering = ("pk",)
        verbose_name = _("digest")
        verbose_name_plural = _("digests")
        constraints = [
            models.UniqueConstraint(fields=["person", "tenant"], name="one_digest_a_tenant"),
            models.UniqueConstraint(
                fields=["person"],
                condition=models.Q(tenant=None),
                name="one_digest_of_all",
            ),
        ]

    # Nobody's name: the log of the operator pages keeps it for good.
    def __str__(self) -> str:
        return f"{self.pk}: {self.get_every_display()}"


class OutgoingMessage(models.Model):
    """One webhook call or e-mail, kept until it is delivered or given up.

    A row is taken by moving ``due_at``: if whoever took it dies, it is due again after that.
    """

    class Kind(models.TextChoices):
        WEBHOOK = "webhook", _("Webhook")
        MAIL = "mail", _("E-mail")

    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    # The same at each try, so that a receiver can tell a repetition.
    number = models.UUIDField(_("number"), unique=True)
    event = models.CharField(_("event"), max_length=30)
    tenant = models.ForeignKey(
        "redirection.Tenant", models.CASCADE, null=True, related_name="+", verbose_name=_("tenant")
    )
    endpoint = models.ForeignKey(
        WebhookEndpoint,
        models.CASCADE,
        null=True,
        related_name="messages",
        verbose_name=_("webhook"),
    )
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        null=True,
        related_name="+",
        verbose_name=_("person"),
    )
    content = models.JSONField(_("content"))
    created_at = models.DateTimeField(_("written"), default=timezone.now)
    due_at = models.DateTimeField(_("next try"), default=timezone.now)
    tries = models.PositiveSmallIntegerField(_("tries"), default=0)
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    given_up_at = models.DateTimeField(_("given up"), null=True, blank=True)
    problem = models.CharField(_("last problem"), max_length=200, blank=True)

    class Meta:
        ordering = ("due_at", "pk")
        verbose_name = _("outgoing message")
        verbose_name_plural = _("outgoing messages")
        indexes = [
            models.Index(
                fields=["due_at"],
                name="messages_due",
                condition=models.Q(sent_at=None, given_up_at=None),
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.event} {self.number}"
