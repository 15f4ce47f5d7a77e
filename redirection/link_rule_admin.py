"""Operators' pages for deep link rules: the list, one rule, several at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _, gettext_lazy, ngettext

from redirection.link_rule_changes import (
    Plan,
    RulesMoved,
    RulesRefused,
    change_rules,
    planned,
    state_of,
)
from redirection.link_rule_forms import DeepLinkRuleForm, ReasonForm, laid_out
from redirection.link_rule_import import LinkRuleImport
from redirection.link_rule_list import CloudFilter, LinkRuleColumns
from redirection.models import Channel, DeepLinkRule
from redirection.models.history import Provenance
from redirection.rule_problem_texts import sentences

CHANGELIST = "admin:redirection_deeplinkrule_changelist"
# More at once are a matter for the import.
MOST_AT_ONCE = 1_000


def provenance(request: HttpRequest, reason: str) -> Provenance:
    """A change by the operator who asks."""
    return Provenance(
        reason, Channel.ADMIN, author=request.user, operator=request.user.get_username()
    )


class DeepLinkRuleAdmin(LinkRuleColumns, LinkRuleImport, admin.ModelAdmin):  # type: ignore[type-arg]
    """Every change has a reason and is checked with all other rules."""

    form = DeepLinkRuleForm
    fields = (
        "kind", "source", "part", "target", "query", "counterpart", "cloud", "enabled", "note",
        "reason",
    )  # fmt: skip
    list_display = (
        "number", "old_address", "new_address", "kind_word", "counterpart_word", "last_used",
        "enabled", "cloud_or_all",
    )  # fmt: skip
    list_display_links = ("number", "old_address")
    list_filter = ("enabled", "kind", CloudFilter, "use__last_used_on")
    list_select_related = ("use",)
    list_per_page = 50
    show_full_result_count = False
    search_fields = ("source", "target", "note")
    actions = ("enable_rules", "disable_rules", "remove_rules")
    change_list_template = "admin/redirection/link_rules.html"
    change_form_template = "admin/redirection/link_rule.html"

    class Media:
        css = {"all": ("redirection/link_rules.css",)}

    def get_urls(self) -> list[URLPattern]:
        own = [
            path(
                "<int:number>/remove/",
                self.admin_site.admin_view(self.remove_one),
                name="redirection_deeplinkrule_remove",
            )
        ]
        return [*self.import_urls(), *own, *super().get_urls()]

    def get_actions(self, request: HttpRequest) -> Any:
        # Django's own deletion asks for no reason.
        return {
            name: action
            for name, action in super().get_actions(request).items()
            if name != "delete_selected"
        }

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except RulesRefused:
            # Somebody was faster: asked again, the form sees their change and says what is wrong.
            return super().changeform_view(request, object_id, form_url, extra_context)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        # There is no deletion without a reason.
        if not object_id.isdecimal():
            return HttpResponseRedirect(reverse(CHANGELIST))
        return self.remove_one(request, int(object_id))

    def save_model(
        self, request: HttpRequest, obj: DeepLinkRule, form: forms.ModelForm[Any], change: bool
    ) -> None:
        checked: Any = form
        by = provenance(request, checked.cleaned_data["reason"])
        change_rules(checked.plan, checked.planned, by=by)
        if not change:
            obj.pk = DeepLinkRule.objects.get(
                cloud=obj.cloud, part=obj.part, kind=obj.kind, source=obj.source
            ).pk

    # --- Several at once ---------------------------------------------------------------------

    @admin.action(description=gettext_lazy("Enable the chosen rules"), permissions=["change"])
    def enable_rules(self, request: HttpRequest, rules: models.QuerySet[Any]) -> Any:
        return self._change_chosen(request, rules, "enable_rules")

    @admin.action(description=gettext_lazy("Disable the chosen rules"), permissions=["change"])
    def disable_rules(self, request: HttpRequest, rules: models.QuerySet[Any]) -> Any:
        return self._change_chosen(request, rules, "disable_rules")

    @admin.action(description=gettext_lazy("Delete the chosen rules"), permissions=["delete"])
    def remove_rules(self, request: HttpRequest, rules: models.QuerySet[Any]) -> Any:
        return self._change_chosen(request, rules, "remove_rules")

    def remove_one(self, request: HttpRequest, number: int) -> HttpResponse:
        """Ask for the reason before one rule goes."""
        if not self.has_delete_permission(request):
            raise PermissionDenied
        rules = DeepLinkRule.objects.filter(pk=number)
        if not rules:
            messages.warning(request, _("There is no rule %(number)d.") % {"number": number})
            return HttpResponseRedirect(reverse(CHANGELIST))
        return self._asked(request, list(rules), "remove_rules", ReasonForm())

    def _change_chosen(
        self, request: HttpRequest, rules: models.QuerySet[Any], action: str
    ) -> HttpResponse | None:
        chosen = list(rules.order_by("pk")[: MOST_AT_ONCE + 1])
        if len(chosen) > MOST_AT_ONCE:
            text = _("At most %(limit)d rules at once: use the import for more.")
            messages.error(request, text % {"limit": MOST_AT_ONCE})
            return None
        form = ReasonForm(request.POST if "reason" in request.POST else None)
        if not form.is_valid():
            return self._asked(request, chosen, action, form)
        return self._changed(request, chosen, action, form)

    def _changed(
        self, request: HttpRequest, chosen: Sequence[DeepLinkRule], action: str, form: ReasonForm
    ) -> HttpResponse | None:
        numbers = [rule.pk for rule in chosen]

        def plan() -> Plan:
            now = DeepLinkRule.objects.filter(pk__in=numbers).order_by("pk")
            if state_of(now) != request.POST.get("seen"):
                raise RulesMoved
            if action == "remove_rules":
                return planned([], removed=numbers)
            stored = DeepLinkRule.objects.filter(pk__in=numbers).as_rules()
            return planned([replace(rule, enabled=action == "enable_rules") for rule in stored])

        try:
            change = change_rules(plan(), plan, by=provenance(request, form.cleaned_data["reason"]))
        except RulesMoved:
            form.add_error(None, _("Somebody changed these rules meanwhile: look once more."))
            now = DeepLinkRule.objects.filter(pk__in=numbers).order_by("pk")
            return self._asked(request, list(now), action, form)
        except RulesRefused as error:
            for line in sentences(error.problems[:20]):
                form.add_error(None, line)
            return self._asked(request, chosen, action, form)
        if change is None:
            messages.info(request, _("They already were like that; nothing was changed."))
        else:
            number = change.changed + change.removed
            text = ngettext(
                "%(number)d rule was changed, revision %(revision)d.",
                "%(number)d rules were changed, revision %(revision)d.",
                number,
            )
            messages.success(request, text % {"number": number, "revision": change.revision})
        return None

    def _asked(
        self, request: HttpRequest, chosen: Sequence[DeepLinkRule], action: str, form: ReasonForm
    ) -> TemplateResponse:
        titles = {
            "enable_rules": _("Enable rules"),
            "disable_rules": _("Disable rules"),
            "remove_rules": _("Delete rules"),
        }
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": titles[action],
            "chosen": chosen,
            "action": action,
            "form": form,
            "adminform": laid_out(form),
            "seen": state_of(chosen),
            "checkbox_name": ACTION_CHECKBOX_NAME,
        }
        status = HTTPStatus.BAD_REQUEST if form.errors else HTTPStatus.OK
        return TemplateResponse(
            request, "admin/redirection/link_rules_chosen.html", context, status=status
        )
