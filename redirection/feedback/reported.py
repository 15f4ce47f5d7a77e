"""What people of one tenant report: grouped by page and kind, filtered and ordered."""

from __future__ import annotations

import datetime as dt
from typing import Any
from urllib.parse import urlencode

import django_filters
from django.core.validators import MaxLengthValidator
from django.db.models import Case, Count, F, Max, Q, QuerySet, Sum, Value, When
from django.utils.translation import gettext_lazy as _

from redirection.feedback.loads import DAYS
from redirection.history_filter import CHOOSE_ONE, LONGEST_TEXT
from redirection.models import Feedback, Tenant, Traffic, Trouble

# Told apart where reports are ordered by the page loads of their page.
MOST_PAGES = 200
ORDERS: dict[str, tuple[str, ...]] = {
    "reports": ("-reports", "-last_at", "route", "kind"),
    "newest": ("-last_at", "route", "kind"),
    "loads": ("-loads", "-reports", "route", "kind"),
    "page": ("route", "kind"),
}


class ReportFilter(django_filters.FilterSet):  # type: ignore[misc]
    """The reports that somebody asks for with the parameters of an address.

    ``queryset`` holds the reports of one tenant. Where ``is_valid()`` is False, ``qs`` is empty:
    a wrong value never widens the list.
    """

    text = django_filters.CharFilter(
        label=_("Text or page"),
        method="with_text",
        validators=[MaxLengthValidator(LONGEST_TEXT)],
    )
    kind = django_filters.ChoiceFilter(
        label=_("Kind"),
        choices=Feedback.Kind.choices,
        empty_label=_("Every kind"),
        error_messages=CHOOSE_ONE,
    )
    state = django_filters.ChoiceFilter(
        label=_("State"),
        field_name="trouble__state",
        choices=Trouble.State.choices,
        empty_label=_("Every state"),
        error_messages=CHOOSE_ONE,
    )
    order = django_filters.ChoiceFilter(
        label=_("Order"),
        method="unfiltered",
        choices=[
            ("newest", _("Newest first")),
            ("loads", _("Most page loads first")),
            ("page", _("By page")),
        ],
        empty_label=_("Most reports first"),
        error_messages=CHOOSE_ONE,
    )

    class Meta:
        model = Feedback
        fields: list[str] = []

    @property
    def qs(self) -> QuerySet[Feedback]:
        reports: QuerySet[Feedback] = super().qs if self.is_valid() else self.queryset.none()
        return reports

    @property
    def query(self) -> str:
        """What was asked for as a query string, without empty parameters."""
        asked = {name: self.data.get(name, "") for name in self.filters}
        return urlencode({name: value for name, value in asked.items() if value})

    @property
    def order_asked(self) -> str:
        """A key of ORDERS."""
        return (self.is_valid() and self.form.cleaned_data["order"]) or "reports"

    def with_text(self, reports: QuerySet[Feedback], name: str, text: str) -> QuerySet[Feedback]:
        return reports.filter(
            Q(text__icontains=text) | Q(page__icontains=text) | Q(trouble__route__icontains=text)
        )

    def unfiltered(self, reports: QuerySet[Feedback], name: str, order: str) -> QuerySet[Feedback]:
        return reports


def groups_of(
    reports: QuerySet[Feedback], tenant: Tenant, order: str, today: dt.date
) -> QuerySet[Any, dict[str, Any]]:
    """The reports of a tenant by trouble: ``number``, ``route``, ``kind``, ``state``,
    ``reports`` and ``last_at`` of each.

    A trouble has one number over all tenants, and its counts in all of them are nobody's here.
    """
    groups: QuerySet[Any, Any] = (
        reports.order_by()
        .values(
            "kind",
            number=F("trouble_id"),
            route=F("trouble__route"),
            state=F("trouble__state"),
        )
        .annotate(reports=Count("pk"), last_at=Max("created_at"))
    )
    if order == "loads":
        groups = groups.annotate(loads=_loads(tenant, today))
    return groups.order_by(*ORDERS[order])


def _loads(tenant: Tenant, today: dt.date) -> Case:
    """The tenant's page loads of a report's page, for the pages that are used most."""
    most_used = (
        Traffic.objects.filter(tenant=tenant, day__gt=today - dt.timedelta(DAYS), day__lte=today)
        .order_by()
        .values_list("route")
        .annotate(loads=Sum("kept") + Sum("redirected"))
        .order_by("-loads")[:MOST_PAGES]
    )
    # One value for each page: a subquery would be asked anew for every report.
    whens = [When(trouble__route=route, then=Value(max(loads, 0))) for route, loads in most_used]
    return Case(*whens, default=Value(0))
