"""Forms of the operators' pages for deep link rules."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from django import forms
from django.contrib.admin.helpers import AdminForm
from django.contrib.admin.widgets import AdminRadioSelect
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _, gettext_lazy

from redirection.conf import conf
from redirection.link_rule_changes import Plan, changed_meanwhile, planned, state_of
from redirection.link_rule_files import COLUMNS, LARGEST_FILE
from redirection.link_rules import LinkRule, normal_source
from redirection.models import DeepLinkRule
from redirection.models.reasons import REASON_LENGTH, checked_reason
from redirection.rule_problem_texts import isolated, sentence
from redirection.rule_problems import Code

# Fields that take a few words and nothing else.
_WORDS = ("kind", "part", "counterpart")
# Addresses and captures in a help text.
_ADDRESS = re.compile(r"[#/{][a-z0-9/{}]*")


class ReasonForm(forms.Form):
    """Why; it stands in the history."""

    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=REASON_LENGTH,
        help_text=gettext_lazy("Stands in the history."),
        widget=forms.TextInput(attrs={"class": "vTextField"}),
    )

    def clean_reason(self) -> str:
        return checked_text(self.cleaned_data["reason"])


class DeepLinkRuleForm(forms.ModelForm):  # type: ignore[type-arg]
    """One rule, checked together with all others; the plan of its change is in ``plan``."""

    reason = ReasonForm.base_fields["reason"]
    plan: Plan
    # How the rule was when whoever changes it last saw it; posted back by the page.
    seen: str

    class Meta:
        model = DeepLinkRule
        fields = (
            "kind", "source", "part", "target", "query", "counterpart", "cloud", "enabled", "note",
        )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.seen = self.data.get("seen", "") if self.is_bound else state_of([self.instance])
        for name in {"source", "target", "query"} & self.fields.keys():
            # Addresses are read from left to right in every language.
            self.fields[name].widget.attrs["dir"] = "ltr"
        # Whoever may only look gets no fields.
        if "cloud" in self.fields:
            names = [("", _("All clouds")), *((key, key) for key in conf().clouds)]
            kept = self.instance.cloud
            if kept and kept not in conf().clouds:
                names.append((kept, kept))
            self.fields["cloud"] = forms.ChoiceField(
                label=self.fields["cloud"].label, choices=names, required=False
            )
        for name in self.fields.keys() & set(COLUMNS):
            self._tell_column(name)

    def _tell_column(self, name: str) -> None:
        """Say how a file has this field: its names are those of problems as well."""
        field = self.fields[name]
        words = ["yes", "no"] if name == "enabled" else []
        if name in _WORDS:
            words = [str(value) for value, _label in field.choices]  # type: ignore[attr-defined]
        values = {"column": isolated(name), "words": isolated(", ".join(words))}
        told = _("In files: %(column)s.") % values
        if words:
            told = _("In files: %(column)s, one of %(words)s.") % values
        about = _ADDRESS.sub(lambda match: isolated(match[0]), str(field.help_text))
        field.help_text = f"{about} {told}" if about else told

    def clean_reason(self) -> str:
        return checked_text(self.cleaned_data["reason"])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        # Without a reason as well: nobody is to learn of their mistakes one by one.
        if not self.errors.keys() - {"reason"}:
            cleaned["source"] = normal_source(cleaned["kind"], cleaned["source"])
            self.plan = self.planned()
            for problem in self.plan.problems:
                field = problem.field if problem.field in self.fields else None
                self.add_error(field, sentence(problem))
                if problem.code is Code.CHANGED:
                    # Said once: whoever saves again has seen it.
                    self.seen = state_of([self.plan.before[problem.number]])
        return cleaned

    def planned(self) -> Plan:
        """What saving would do to the rules as they are now."""
        values = {field: self.cleaned_data[field] for field in DeepLinkRuleForm.Meta.fields}
        number = self.instance.pk or 0
        plan = planned([LinkRule(number=number, **values)], is_one=True)
        if number:
            plan = replace(
                plan, problems=[*changed_meanwhile(plan, number, self.seen), *plan.problems]
            )
        return plan

    def validate_unique(self) -> None:
        """The plan says it better, with the number of the other rule."""


class ImportForm(ReasonForm):
    """A file of rules, to be checked first."""

    field_order = ("file", "mode", "reason")
    file = forms.FileField(
        label=gettext_lazy("File"),
        help_text=gettext_lazy("CSV in UTF-8, as the export writes it; at most 20 MB."),
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,text/csv"}),
    )
    mode = forms.ChoiceField(
        label=gettext_lazy("What happens to other rules"),
        choices=[
            ("add", gettext_lazy("They stay: add new rules and change those of the same source")),
            ("replace", gettext_lazy("They go: replace all rules by those of the file")),
        ],
        initial="add",
        widget=AdminRadioSelect(attrs={"class": "radiolist"}),
    )

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > LARGEST_FILE:
            limit = LARGEST_FILE // 1_000_000
            raise ValidationError(_("The file is larger than %(value)s MB.") % {"value": limit})
        return file


def laid_out(form: Any) -> AdminForm:
    """``form`` as the operators' pages lay out all others."""
    return AdminForm(form, [(None, {"fields": list(form.fields)})], {})


def checked_text(reason: str) -> str:
    """``reason`` as it is stored. Raises ValidationError for the field."""
    try:
        return checked_reason(reason)
    except ValidationError as error:
        raise ValidationError(error.messages) from None
