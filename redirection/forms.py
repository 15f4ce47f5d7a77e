"""The forms of the settings page."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from redirection.models.reasons import (
    FOR_SWITCHING_OFF,
    FOR_SWITCHING_ON,
    REASON_LENGTH,
    ReasonKind,
    one_line,
)

CHOOSE_ONE = {"required": _("Choose one."), "invalid_choice": _("Choose one.")}


class ReasonField(forms.CharField):
    """A reason as it is stored, on one line, before its length is judged."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            max_length=REASON_LENGTH,
            widget=forms.Textarea(attrs={"rows": 2}),
            error_messages={"required": _("Say why, in a few words.")},
            **kwargs,
        )

    def to_python(self, value: Any) -> str:
        text = super().to_python(value) or ""
        # A null character is left for the validator that names it.
        return text if "\x00" in text else one_line(text)


class SwitchForm(forms.Form):
    """The wanted state with its reason, and the revision the person has seen.

    Offered are the kinds of reason that fit the wanted state; any other kind is accepted too.
    """

    wanted = forms.ChoiceField(
        choices=[("on", _("On")), ("off", _("Off"))],
        widget=forms.HiddenInput,
        error_messages={
            "required": _("Choose on or off."),
            "invalid_choice": _("Choose on or off."),
        },
    )
    reason_kind = forms.ChoiceField(
        label=_("Kind of reason"),
        choices=[("", _("Choose one")), *ReasonKind.choices],
        error_messages=CHOOSE_ONE,
    )
    reason = ReasonField(
        label=_("In your words"),
        help_text=_("Everybody who may see this page reads it in the history."),
    )
    seen_revision = forms.IntegerField(min_value=0, widget=forms.HiddenInput)
    tid = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kinds = FOR_SWITCHING_OFF if self["wanted"].value() == "off" else FOR_SWITCHING_ON
        offered = [("", _("Choose one")), *((kind.value, kind.label) for kind in kinds)]
        self.fields["reason_kind"].widget = forms.Select(choices=offered)
