"""The filter of the history page and of its export."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any
from urllib.parse import urlencode

import django_filters
from django import forms
from django.core.validators import MaxLengthValidator
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from redirection.models import Change, Channel, ReasonKind

LONGEST_TEXT = 200
NOT_A_DAY = {"invalid": _("Write the day as year-month-day, such as 2026-03-31.")}
CHOOSE_ONE = {"invalid_choice": _("Choose one of the list.")}


class _Day(django_filters.DateFilter):  # type: ignore[misc]
    def __init__(self, label: Any, method: str) -> None:
        super().__init__(
            label=label,
            method=method,
            # The one format a browser's own day picker sends, whatever the language.
            input_formats=["%Y-%m-%d"],
            widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
            help_text=_("Included. Days are in UTC."),
            error_messages=NOT_A_DAY,
        )


class _HistoryForm(forms.Form):
    """Checks the days against each other, and shows again what is no day."""

    def clean(self) -> dict[str, Any]:
        wrong = {"from_day", "to_day"} & self.errors.keys()
        first, last = self.cleaned_data.get("from_day"), self.cleaned_data.get("to_day")
        if first and last and first > last:
            self.add_error("to_day", _("The last day lies before the first."))
        for name in wrong:
            # A day picker would show nothing instead of what was typed.
            self.fields[name].widget.input_type = "text"
        return self.cleaned_data


class HistoryFilter(django_filters.FilterSet):  # type: ignore[misc]
    """The changes that somebody asks for with the parameters of an address.

    ``queryset`` holds the changes of one tenant. Where ``is_valid()`` is False, ``qs`` is empty:
    a wrong value never widens the list.
    """

    text = django_filters.CharFilter(
        label=_("Who or reason"),
        method="with_text",
        validators=[MaxLengthValidator(LONGEST_TEXT)],
    )
    what = django_filters.ChoiceFilter(
        label=_("What"),
        choices=Change._meta.get_field("what").choices,  # noqa: SLF001
        empty_label=_("Everything"),
        error_messages=CHOOSE_ONE,
    )
    reason_kind = django_filters.ChoiceFilter(
        label=_("Kind of reason"),
        choices=ReasonKind.choices,
        empty_label=_("Every kind"),
        error_messages=CHOOSE_ONE,
    )
    channel = django_filters.ChoiceFilter(
        label=_("Channel"),
        choices=Channel.choices,
        empty_label=_("Every channel"),
        error_messages=CHOOSE_ONE,
    )
    from_day = _Day(_("From"), "since_day")
    to_day = _Day(_("Until"), "until_day")

    class Meta:
        model = Change
        fields: list[str] = []
        form = _HistoryForm

    @property
    def qs(self) -> QuerySet[Change]:
        changes: QuerySet[Change] = super().qs if self.is_valid() else self.queryset.none()
        return changes

    @property
    def query(self) -> str:
        """What was asked for as a query string, without empty parameters."""
        asked = {name: self.data.get(name, "") for name in self.filters}
        return urlencode({name: value for name, value in asked.items() if value})

    def with_text(self, changes: QuerySet[Change], name: str, text: str) -> QuerySet[Change]:
        return changes.filter(Q(author_name__icontains=text) | Q(reason__icontains=text))

    def since_day(self, changes: QuerySet[Change], name: str, day: date) -> QuerySet[Change]:
        return changes.filter(at__gte=datetime.combine(day, time.min, UTC))

    def until_day(self, changes: QuerySet[Change], name: str, day: date) -> QuerySet[Change]:
        return changes.filter(at__lte=datetime.combine(day, time.max, UTC))
