"""The operators' queue: troubles over all tenants, with their filters and numbers."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import PAGE_VAR, ChangeList
from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, QueryDict
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.translation import gettext as _, gettext_lazy

from redirection.feature_names import feature_name
from redirection.feedback.loads import feature_of, loads_of_all
from redirection.models import Answer, Feedback, Trouble

TENANT = "tenant"
VIEW_REPORTS = "redirection.view_feedback"


def with_tenants(troubles: QuerySet[Trouble]) -> QuerySet[Trouble]:
    """``troubles``, each with the number of its ``tenants``."""
    # Not by a join: a store counts those of the shown troubles alone.
    counted = (
        Feedback.objects.filter(trouble=OuterRef("pk"))
        .order_by()
        .values("trouble")
        .annotate(number=Count("tenant", distinct=True))
        .values("number")
    )
    return troubles.annotate(tenants=Coalesce(Subquery(counted), 0))


def found(troubles: QuerySet[Trouble], text: str, *, in_reports: bool) -> QuerySet[Trouble]:
    """Those whose page, answers or, if asked for, reports contain ``text``."""
    of_it = {"trouble": OuterRef("pk")}
    answers = Answer.objects.filter(text__icontains=text, **of_it)
    has_it = Q(route__icontains=text) | Q(Exists(answers))
    if in_reports:
        is_said = Q(text__icontains=text) | Q(page__icontains=text)
        has_it |= Q(Exists(Feedback.objects.filter(is_said, **of_it)))
    return troubles.filter(has_it)


class TenantFilter(admin.SimpleListFilter):
    """Troubles that people of one tenant report; typed, as there may be thousands of tenants."""

    title = gettext_lazy("organisation")
    parameter_name = TENANT
    template = "admin/redirection/_tenant_filter.html"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return []

    def has_output(self) -> bool:
        return True

    def choices(self, changelist: ChangeList) -> Any:
        others = changelist.get_query_string(remove=[TENANT, PAGE_VAR])
        kept = QueryDict(others.removeprefix("?"))
        return [{"typed": self.value() or "", "kept": list(kept.items())}]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        name = (self.value() or "").strip().lower()
        if not name:
            return queryset
        # A name has no such character, and PostgreSQL takes none.
        if "\x00" in name:
            return queryset.none()
        reports = Feedback.objects.filter(trouble=OuterRef("pk"), tenant__name=name)
        return queryset.filter(Exists(reports))


class Queue(ChangeList):
    """The list, with the page loads of those that are shown."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        if not request.user.has_perm(VIEW_REPORTS):
            self.search_help_text = _("Finds words of pages and answers.")
        troubles: list[Any] = list(self.result_list)
        loads = loads_of_all({trouble.route for trouble in troubles}, timezone.now().date())
        for trouble in troubles:
            trouble.loads = loads[trouble.route]
        self.result_list = troubles


class QueueColumns:
    """The columns of the queue."""

    @admin.display(description=gettext_lazy("page"), ordering="route")
    def page(self, trouble: Trouble) -> str:
        feature = feature_name(feature_of(trouble.route))
        return format_html('<bdi>{}</bdi> <span class="feature">{}</span>', trouble.route, feature)

    @admin.display(description=gettext_lazy("state"), ordering="state")
    def state_word(self, trouble: Trouble) -> str:
        if trouble.reopened_at is not None:
            return _("Open, reported again after a fix")
        return trouble.get_state_display()

    @admin.display(description=gettext_lazy("reports"), ordering="reports")
    def told_by(self, trouble: Trouble) -> str:
        return number_format(trouble.reports, force_grouping=True)

    @admin.display(description=gettext_lazy("organisations"), ordering="tenants")
    def tenants(self, trouble: Any) -> str:
        return number_format(trouble.tenants, force_grouping=True)

    @admin.display(description=gettext_lazy("page loads"))
    def loads(self, trouble: Any) -> str:
        return number_format(trouble.loads, force_grouping=True)
