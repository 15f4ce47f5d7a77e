"""Operators' pages for troubles: the queue, and one trouble with its reports and answers."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Exists, OuterRef, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, reverse
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _, gettext_lazy

from redirection import switches
from redirection.conf import conf
from redirection.exports import FORMATS
from redirection.feedback.answers import AnsweredMeanwhile, announce, newest_answer
from redirection.feedback.forms import PlainTextField
from redirection.feedback.loads import DAYS, feature_of, loads_of_all
from redirection.feedback.queue import (
    VIEW_REPORTS,
    Queue,
    QueueColumns,
    TenantFilter,
    found,
    with_tenants,
)
from redirection.feedback.queue_files import TroubleFiles
from redirection.models import Feedback, Screenshot, Trouble
from redirection.models.feedback import PAGE_LENGTH, TEXT_LENGTH
from redirection.unmatched_admin import rule_for, rule_number
from redirection.views.paged import nearest_page

REPORTS_A_PAGE = 50
MOST_ANSWERS = 20


class AnswerForm(forms.Form):
    """What is said to all senders at once, and the newest answer that its author has seen."""

    state = forms.ChoiceField(label=gettext_lazy("State"), choices=Trouble.State.choices)
    text = PlainTextField(
        label=gettext_lazy("Answer"),
        max_length=TEXT_LENGTH,
        widget=forms.Textarea(attrs={"rows": 5, "class": "vLargeTextField"}),
        help_text=gettext_lazy(
            "Everybody who reported it reads this, in every organisation. Name none of them."
        ),
    )
    page = forms.CharField(
        label=gettext_lazy("Page to try"),
        max_length=PAGE_LENGTH,
        required=False,
        widget=forms.TextInput(attrs={"class": "vTextField", "dir": "ltr"}),
        help_text=gettext_lazy(
            "Path and query on the destination, such as /cloudapps/files. May be empty."
        ),
    )
    seen_answer = forms.IntegerField(min_value=0, widget=forms.HiddenInput)


class TroubleAdmin(QueueColumns, TroubleFiles, admin.ModelAdmin):  # type: ignore[type-arg]
    """Troubles come from reports and change by answers: nobody adds, edits or deletes one."""

    list_display = (
        "page", "kind", "state_word", "told_by", "tenants", "last_at", "loads",
    )  # fmt: skip
    list_display_links = ("page",)
    list_filter = ("state", "kind", TenantFilter, "last_at")
    list_per_page = 50
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    search_fields = ("route",)
    search_help_text = gettext_lazy("Finds words of pages, reports and answers.")
    actions = None
    change_list_template = "admin/redirection/troubles.html"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return with_tenants(super().get_queryset(request))

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[Queue]:
        return Queue

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        text = search_term.strip()
        if not text:
            return queryset, False
        # Whoever may not read reports finds nothing in them by guessing either.
        return found(queryset, text, in_reports=request.user.has_perm(VIEW_REPORTS)), False

    def get_urls(self) -> list[URLPattern]:
        return [*self.file_urls(), *super().get_urls()]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {
            "title": capfirst(str(self.opts.verbose_name_plural)),
            "may_see_reports": request.user.has_perm(VIEW_REPORTS),
            "formats": FORMATS,
            "query": request.GET.urlencode(),
        }
        return super().changelist_view(request, {**context, **(extra_context or {})})

    # --- One trouble -------------------------------------------------------------------------

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """One trouble: to read, and to answer for whoever may change it."""
        trouble = self.get_object(request, object_id)
        if trouble is None:
            if not self.has_view_permission(request):
                raise PermissionDenied
            raise Http404
        if not self.has_view_or_change_permission(request, trouble):
            raise PermissionDenied
        if request.method != "POST":
            return self._page(request, trouble, self._new_form(trouble))
        if not self.has_change_permission(request, trouble):
            raise PermissionDenied
        form = AnswerForm(request.POST)
        if not form.is_valid():
            return self._page(request, trouble, form, status=HTTPStatus.BAD_REQUEST)
        try:
            answer = announce(trouble, **form.cleaned_data, author=request.user)
        except AnsweredMeanwhile:
            seen = form.cleaned_data["seen_answer"]
            meanwhile = trouble.answers.filter(pk__gt=seen).order_by("-pk")[:MOST_ANSWERS]
            trouble.refresh_from_db(fields=["state", "reopened_at"])
            newest = newest_answer(trouble)
            form = AnswerForm({**request.POST.dict(), "seen_answer": newest.pk if newest else 0})
            return self._page(request, trouble, form, list(meanwhile), HTTPStatus.CONFLICT)
        except ValidationError as error:
            form.add_error(None, error)
            return self._page(request, trouble, form, status=HTTPStatus.BAD_REQUEST)
        said = _("Answered: %(state)s. Everybody who reported it sees the answer.")
        messages.success(request, said % {"state": answer.get_state_display()})
        return HttpResponseRedirect(reverse("admin:redirection_trouble_change", args=[trouble.pk]))

    def _new_form(self, trouble: Trouble) -> AnswerForm:
        newest = newest_answer(trouble)
        return AnswerForm(
            initial={"state": trouble.state, "seen_answer": newest.pk if newest else 0}
        )

    def _page(
        self,
        request: HttpRequest,
        trouble: Any,
        form: AnswerForm,
        meanwhile: list[Any] | None = None,
        status: HTTPStatus = HTTPStatus.OK,
    ) -> TemplateResponse:
        has_screenshot = Exists(Screenshot.objects.filter(feedback=OuterRef("pk")))
        reports = (
            Feedback.objects.filter(trouble=trouble)
            .select_related("tenant", "person")
            .annotate(has_screenshot=has_screenshot)
            .order_by("-created_at", "-pk")
        )
        may_see_reports = request.user.has_perm(VIEW_REPORTS)
        asked = request.GET.get("p", "1")
        page = nearest_page(reports, REPORTS_A_PAGE, asked)[0] if may_see_reports else None
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": str(trouble),
            "trouble": trouble,
            "feature": feature_of(trouble.route),
            "loads": loads_of_all([trouble.route], timezone.now().date())[trouble.route],
            "days": DAYS,
            "answers": trouble.answers.order_by("-pk")[:MOST_ANSWERS],
            "meanwhile": meanwhile,
            "form": form,
            "may_answer": self.has_change_permission(request, trouble),
            "page": page,
            "formats": FORMATS,
            **self._rule(request, trouble),
        }
        return TemplateResponse(request, "admin/redirection/trouble.html", context, status=status)

    def _rule(self, request: HttpRequest, trouble: Trouble) -> dict[str, Any]:
        """The deep link rule that answers the page, else where one is made for it."""
        template = trouble.route.partition(" ")[0]
        number = rule_number(template, switches.held().rules, conf().clouds)
        fields = rule_for(template)
        add = reverse("admin:redirection_deeplinkrule_add", query=fields) if fields else ""
        return {
            "rule": number if request.user.has_perm("redirection.view_deeplinkrule") else None,
            "add_rule": add if request.user.has_perm("redirection.add_deeplinkrule") else "",
        }
