"""Operator pages of what is sent, and of what was refused."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _, ngettext

from redirection.models import DigestSubscription, OutgoingMessage, WebhookEndpoint
from redirection.outbox.webhooks import checked_url, secrets_of

WEBHOOKS_CHANGE = "redirection.change_webhookendpoint"


class WebhookForm(forms.ModelForm):  # type: ignore[type-arg]
    url = forms.URLField(label=_("Address"), max_length=500, assume_scheme="https")

    class Meta:
        model = WebhookEndpoint
        fields = ("tenant", "url", "is_active")

    def clean_url(self) -> str:
        try:
            return checked_url(self.cleaned_data["url"])
        except forms.ValidationError as error:
            raise forms.ValidationError(error.messages) from None


class WebhookEndpointAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Addresses, each with the secret that its receiver checks signatures with."""

    form = WebhookForm
    list_display = ("url", "tenant", "is_active", "waiting", "given_up")
    list_filter = ("is_active",)
    list_select_related = ("tenant",)
    search_fields = ("url", "tenant__name")
    autocomplete_fields = ("tenant",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[WebhookEndpoint]:
        is_open = models.Q(messages__sent_at=None, messages__given_up_at=None)
        is_given_up = models.Q(messages__given_up_at__isnull=False)
        found: QuerySet[WebhookEndpoint] = super().get_queryset(request)
        return found.annotate(
            waiting=models.Count("messages", filter=is_open & ~models.Q(messages=None)),
            given_up=models.Count("messages", filter=is_given_up),
        )

    def get_fields(self, request: HttpRequest, obj: models.Model | None = None) -> tuple[str, ...]:
        # There is none before the webhook is saved, and whoever only looks could sign with it.
        shows = obj is not None and request.user.has_perm(WEBHOOKS_CHANGE)
        return ("tenant", "url", "is_active", *(("secret",) if shows else ()))

    def get_readonly_fields(
        self, request: HttpRequest, obj: models.Model | None = None
    ) -> tuple[str, ...]:
        # What waits for it was meant for that tenant.
        return ("tenant", "secret") if obj else ("secret",)

    @admin.display(description=_("waiting"))
    def waiting(self, obj: Any) -> int:
        return int(obj.waiting)

    @admin.display(description=_("given up"))
    def given_up(self, obj: Any) -> int:
        return int(obj.given_up)

    @admin.display(description=_("secret"))
    def secret(self, obj: WebhookEndpoint) -> str:
        return secrets_of(obj)[0]


class DigestSubscriptionAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Who gets which summary; operators subscribe themselves, and for others nobody does."""

    list_display = ("person", "tenant", "every", "told_until")
    list_filter = ("every",)
    list_select_related = ("person", "tenant")
    fields = ("every",)

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        own = obj is None or getattr(obj, "person_id", None) == request.user.pk
        return own and super().has_change_permission(request, obj)

    def save_model(
        self, request: HttpRequest, obj: DigestSubscription, form: Any, change: bool
    ) -> None:
        if change:
            super().save_model(request, obj, form, change)
            return
        operator: Any = request.user
        held, _is_new = DigestSubscription.objects.update_or_create(
            person=operator, tenant=None, defaults={"every": obj.every}
        )
        obj.pk, obj.person, obj.tenant = held.pk, operator, None


class StateFilter(admin.SimpleListFilter):
    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("waiting", _("Waiting")), ("sent", _("Sent")), ("given_up", _("Given up"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "waiting":
            return queryset.filter(sent_at=None, given_up_at=None)
        if self.value() == "sent":
            return queryset.filter(sent_at__isnull=False)
        if self.value() == "given_up":
            return queryset.filter(given_up_at__isnull=False)
        return queryset


class OutgoingMessageAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """What waits, what was sent and what was given up; never what it says."""

    list_display = (
        "created_at", "kind", "event", "tenant", "endpoint", "state", "tries", "due_at", "problem",
    )  # fmt: skip
    list_filter = (StateFilter, "kind", "event")
    list_select_related = ("tenant", "endpoint")
    search_fields = ("number", "endpoint__url", "tenant__name", "problem")
    ordering = ("-created_at", "-pk")
    show_full_result_count = False
    actions = ("try_again",)
    fields = readonly_fields = (
        "number", "kind", "event", "tenant", "endpoint", "created_at", "due_at", "tries", "sent_at",
        "given_up_at", "problem",
    )  # fmt: skip

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    @admin.display(description=_("state"))
    def state(self, obj: OutgoingMessage) -> Any:
        if obj.sent_at is not None:
            return _("Sent")
        return _("Waiting") if obj.given_up_at is None else _("Given up")

    @admin.action(description=_("Try again now"), permissions=["change"])
    def try_again(self, request: HttpRequest, queryset: QuerySet[OutgoingMessage]) -> None:
        """From the first try on; what was sent is not sent again."""
        number = queryset.filter(sent_at=None).update(
            due_at=timezone.now(), given_up_at=None, tries=0
        )
        text = ngettext(
            "%(number)d message is tried again.", "%(number)d messages are tried again.", number
        )
        messages.success(request, text % {"number": number})


class RefusalAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Who was refused what, newest first; nobody edits it, and it goes by itself."""

    list_display = (
        "at", "what", "who", "tenant", "tenant_asked", "method", "path", "address", "times",
        "reference",
    )  # fmt: skip
    list_filter = ("what", "at", "method")
    list_select_related = ("tenant",)
    search_fields = ("who", "tenant__name", "tenant_asked", "path", "address", "=reference")
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False
