"""The forms around stepping back: a person asks for it, an admin allows it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _, ngettext

from redirection.forms import CHOOSE_ONE, SwitchForm
from redirection.models import Feedback, StepBackReason
from redirection.models.reasons import FOR_SWITCHING_OFF, FOR_SWITCHING_ON
from redirection.step_backs import LONGEST, SHORTEST

LONGEST_TEXT = 500
OFFERED_MINUTES = (15, 30, 60, 120, 240, 480)
_HOUR = 60
# What a reason is in feedback.
FEEDBACK_KINDS = {
    StepBackReason.MISSING: Feedback.Kind.MISSING,
    StepBackReason.BROKEN: Feedback.Kind.BROKEN,
    StepBackReason.TRAINING: Feedback.Kind.HARD_TO_FIND,
    StepBackReason.DEADLINE: Feedback.Kind.OTHER,
    StepBackReason.OTHER: Feedback.Kind.OTHER,
}


class StepBackForm(forms.Form):
    """Why somebody opens the old page, and whether that is feedback."""

    reason = forms.ChoiceField(
        label=_("Why do you need the old page?"),
        choices=StepBackReason.choices,
        widget=forms.RadioSelect,
        error_messages=CHOOSE_ONE,
    )
    text = forms.CharField(
        label=_("In a sentence, if you like"),
        required=False,
        max_length=LONGEST_TEXT,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("It is kept only if you send it as feedback."),
    )
    send_feedback = forms.BooleanField(
        label=_("Also send this as feedback, with my name"), required=False
    )


def duration(minutes: int) -> str:
    """``minutes`` in words: "30 minutes", "1 hour"."""
    hours, rest = divmod(minutes, _HOUR)
    if rest:
        return ngettext("%(number)d minute", "%(number)d minutes", minutes) % {"number": minutes}
    return ngettext("%(number)d hour", "%(number)d hours", hours) % {"number": hours}


class StepBackSettingForm(SwitchForm):
    """Whether a tenant's people may step back, for how long, and why that changes."""

    minutes = forms.IntegerField(
        label=_("How long one lasts"),
        required=False,
        min_value=SHORTEST,
        max_value=LONGEST,
    )
    field_order = ("minutes", "reason_kind", "reason")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        is_off = self["wanted"].value() == "off"
        # It is allowed for what redirection is switched off for, and forbidden the other way.
        kinds = FOR_SWITCHING_ON if is_off else FOR_SWITCHING_OFF
        offered = [("", _("Choose one")), *((kind.value, kind.label) for kind in kinds)]
        self.fields["reason_kind"].widget = forms.Select(choices=offered)
        if is_off:
            self.fields["minutes"].widget = forms.HiddenInput()
            return
        asked = self["minutes"].value()
        minutes = {*OFFERED_MINUTES}
        # What a command set is offered too, or it would change unseen.
        if str(asked).isdecimal() and SHORTEST <= int(asked) <= LONGEST:
            minutes.add(int(asked))
        self.fields["minutes"].widget = forms.Select(
            choices=[(number, format_lazy("{}", duration(number))) for number in sorted(minutes)]
        )
