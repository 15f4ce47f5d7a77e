"""The same trouble in many tenants: one entry with a count, a state, and the answers to it."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from redirection.models.feedback import PAGE_LENGTH, TEXT_LENGTH, Feedback
from redirection.models.history import NAME_LENGTH
from redirection.reported_pages import ROUTE_LENGTH


class Trouble(models.Model):
    """What people report of one route template and kind, over all tenants.

    ``reports`` and ``last_at`` are written in the transaction of each report. Nothing in it is
    personal or a tenant's own: route templates are page names without ids.
    """

    class State(models.TextChoices):
        OPEN = "open", _("Open")
        PLANNED = "planned", _("Planned")
        FIXED = "fixed", _("Fixed")
        DECLINED = "declined", _("Declined")

    route = models.CharField(_("page"), max_length=ROUTE_LENGTH)
    kind = models.CharField(_("kind"), max_length=15, choices=Feedback.Kind.choices)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.OPEN)
    reports = models.PositiveIntegerField(_("reports"), default=0)
    first_at = models.DateTimeField(_("first reported"), default=timezone.now)
    last_at = models.DateTimeField(_("last reported"), default=timezone.now)
    # Reported again after it was said to be fixed.
    reopened_at = models.DateTimeField(_("reported again"), null=True, blank=True)

    class Meta:
        ordering = ("-reports", "route", "kind")
        verbose_name = _("trouble")
        verbose_name_plural = _("troubles")
        constraints = [
            models.UniqueConstraint(fields=["route", "kind"], name="one_trouble_a_page_and_kind")
        ]
        indexes = [
            models.Index(fields=["state", "-reports"], name="troubles_by_state"),
            models.Index(fields=["-last_at"], name="troubles_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.route}: {self.get_kind_display()}"


class Answer(models.Model):
    """What an operator says to all senders of a trouble at once, and the state it announces.

    ``page`` is path and query on the destination to try again, empty where there is none: each
    sender is led to their own tenant's destination (promise 3).
    """

    trouble = models.ForeignKey(
        Trouble, models.CASCADE, related_name="answers", verbose_name=_("trouble")
    )
    state = models.CharField(_("state"), max_length=10, choices=Trouble.State.choices)
    text = models.TextField(_("answer"), max_length=TEXT_LENGTH)
    page = models.CharField(_("page to try"), max_length=PAGE_LENGTH, blank=True)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name=_("account"),
    )
    author_name = models.CharField(_("who"), max_length=NAME_LENGTH)
    at = models.DateTimeField(_("time"), default=timezone.now)

    class Meta:
        ordering = ("-at",)
        verbose_name = _("answer")
        verbose_name_plural = _("answers")
        indexes = [models.Index(fields=["trouble", "-at"], name="answers_of_trouble")]

    def __str__(self) -> str:
        return f"{self.trouble}: {self.get_state_display()}"
