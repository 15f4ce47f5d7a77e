"""Pages for operators. What has a history is read here and changed through it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from redirection.conf import conf
from redirection.feedback.admin import TroubleAdmin
from redirection.link_rule_admin import DeepLinkRuleAdmin
from redirection.link_rule_list import CloudFilter
from redirection.link_rule_undo import UndoFiles
from redirection.models import (
    Change,
    Channel,
    DeepLinkRule,
    DeepLinkRuleChange,
    DigestSubscription,
    Feedback,
    LocalRole,
    LocalRoleChange,
    OutgoingMessage,
    Receipt,
    Refusal,
    RoleSnapshot,
    Tenant,
    Trouble,
    UnmatchedLink,
    WebhookEndpoint,
)
from redirection.models.reasons import REASON_LENGTH
from redirection.outbox.admin import (
    DigestSubscriptionAdmin,
    OutgoingMessageAdmin,
    RefusalAdmin,
    WebhookEndpointAdmin,
)
from redirection.unmatched_admin import unmatched_page


class ReadOnly(admin.ModelAdmin):  # type: ignore[type-arg]
    """Rows that no operator page adds, edits or deletes."""

    # There may be very many of them.
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False


class TenantForm(forms.ModelForm):  # type: ignore[type-arg]
    reason = forms.CharField(
        label=_("Reason"), max_length=REASON_LENGTH, help_text=_("Stands in the history.")
    )

    class Meta:
        model = Tenant
        fields = ("tid", "name", "title", "cloud", "enabled")


class TenantCloudFilter(CloudFilter):
    """By cloud; to ask the tenants themselves which there are would read all of them."""

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(key, key) for key in conf().clouds]


@admin.register(Tenant)
class TenantAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    form = TenantForm
    show_full_result_count = False
    list_display = ("name", "title", "enabled", "stage", "setting", "revision")
    list_filter = ("enabled", "stage", "setting", TenantCloudFilter)
    search_fields = ("name", "title")
    readonly_fields = ("stage", "setting", "since", "revision")
    fields = (
        "tid", "name", "title", "cloud", "enabled", "reason",
        "stage", "setting", "since", "revision",
    )  # fmt: skip

    def get_search_results(
        self, request: HttpRequest, queryset: models.QuerySet[Any], search_term: str
    ) -> tuple[models.QuerySet[Any], bool]:
        """A whole tenant id is looked up; anything else is a part of name or organisation."""
        try:
            return queryset.filter(tid=UUID(search_term.strip())), False
        except ValueError:
            return super().get_search_results(request, queryset, search_term)

    def get_readonly_fields(
        self, request: HttpRequest, obj: models.Model | None = None
    ) -> tuple[str, ...]:
        # What was counted, and who signed in, hangs on it.
        return (*self.readonly_fields, "tid") if obj else self.readonly_fields

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        # Its history would go with it.
        return False

    def save_model(
        self, request: HttpRequest, obj: Tenant, form: forms.ModelForm[Tenant], change: bool
    ) -> None:
        obj.provision(
            reason=form.cleaned_data["reason"],
            channel=Channel.ADMIN,
            operator=request.user.get_username(),
        )


@admin.register(Change)
class ChangeAdmin(ReadOnly):
    list_display = (
        "revision", "at", "tenant", "what", "before", "after", "author_name", "channel", "reason",
    )  # fmt: skip
    list_filter = ("what", "channel", "at")
    list_select_related = ("tenant",)
    search_fields = ("tenant__name", "author_name", "reason")


# The settings page names a worker; here is its machine.
@admin.register(Receipt)
class ReceiptAdmin(ReadOnly):
    # A worker that was killed and never comes back may be dismissed.
    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return bool(admin.ModelAdmin.has_delete_permission(self, request, obj))

    list_display = ("name", "kind", "host", "pid", "revision", "is_stale", "reported_at")
    list_filter = ("kind", "is_stale", "host")
    search_fields = ("worker", "host")


@admin.register(Feedback)
class FeedbackAdmin(ReadOnly):
    list_display = (
        "created_at", "tenant", "kind", "rating", "portal", "source", "page", "may_contact",
    )  # fmt: skip
    list_filter = ("kind", "rating", "portal", "source", "created_at")
    list_select_related = ("tenant",)
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    search_fields = ("text", "page", "tenant__name")


admin.site.register(Trouble, TroubleAdmin)


@admin.register(RoleSnapshot)
class RoleSnapshotAdmin(ReadOnly):
    list_display = ("person", "tenant", "taken_at")
    list_select_related = ("person", "tenant")
    search_fields = ("person__username", "tenant__name")


# Given and taken on the roles page or by command, so that the history has the reason.
@admin.register(LocalRole)
class LocalRoleAdmin(ReadOnly):
    list_display = ("person", "tenant", "role")
    list_filter = ("role",)
    list_select_related = ("person", "tenant")
    search_fields = ("person__username", "tenant__name")


@admin.register(LocalRoleChange)
class LocalRoleChangeAdmin(ReadOnly):
    list_display = (
        "at", "tenant", "person_name", "before", "after", "author_name", "channel", "reason",
    )  # fmt: skip
    list_filter = ("channel", "at")
    list_select_related = ("tenant",)
    search_fields = ("tenant__name", "person_name", "author_name", "reason")


admin.site.register(DeepLinkRule, DeepLinkRuleAdmin)
admin.site.register(WebhookEndpoint, WebhookEndpointAdmin)
admin.site.register(DigestSubscription, DigestSubscriptionAdmin)
admin.site.register(OutgoingMessage, OutgoingMessageAdmin)
admin.site.register(Refusal, RefusalAdmin)


@admin.register(DeepLinkRuleChange)
class DeepLinkRuleChangeAdmin(UndoFiles, ReadOnly):
    list_display = (
        "revision", "at", "added", "changed", "removed", "undo_link", "summary", "author_name",
        "channel", "reason",
    )  # fmt: skip
    list_filter = ("channel", "at")
    search_fields = ("author_name", "reason", "summary")


@admin.register(UnmatchedLink)
class UnmatchedLinkAdmin(ReadOnly):
    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, object] | None = None
    ) -> HttpResponse:
        return unmatched_page(self, request)
