"""The form somebody gives feedback with."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from redirection.feedback.screenshots import (
    MOST_BYTES,
    NotAPicture,
    Picture,
    ReadingOthers,
    TooManyPixels,
    picture_of,
)
from redirection.feedback.words import plain_page, plain_text
from redirection.forms import CHOOSE_ONE
from redirection.models import Feedback
from redirection.models.feedback import PAGE_LENGTH, TEXT_LENGTH

# What an origin says about the kind, so that a sentence is all there is to add.
KIND_OF_SOURCE = {Feedback.Source.NO_COUNTERPART: Feedback.Kind.MISSING}
_WORDS = {
    "too_large": _("The picture is larger than 5 MB. Choose a smaller one, or send without it."),
    "not_a_picture": _("This is no picture that can be read. Choose a PNG, JPEG or WebP picture."),
    "too_many_pixels": _(
        "The picture has more than 40 megapixels, or 20 as WebP. Choose a smaller one, or send "
        "without it."
    ),
    "reading_others": _(
        "Other pictures are being read just now. Add yours and send again in a moment, or send "
        "without it."
    ),
}


class PlainTextField(forms.CharField):
    """Text as it is kept, before its length is judged: a browser sends line breaks twice as long.

    A null character is left for the validator that names it.
    """

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        # With ``maxlength`` a browser cuts off the end of a longer text that is pasted, and
        # says nothing; here the whole text comes back with an error.
        attrs: dict[str, Any] = super().widget_attrs(widget)
        return {name: value for name, value in attrs.items() if name != "maxlength"}

    def to_python(self, value: Any) -> str:
        text = super().to_python(value) or ""
        return text if "\x00" in text else plain_text(text)


class PlainPageField(forms.CharField):
    """A page as it is kept; of a whole address only what follows the origin."""

    def to_python(self, value: Any) -> str:
        page = super().to_python(value) or ""
        return page if "\x00" in page else plain_page(page)


class Radios(forms.RadioSelect):
    """Radio buttons of which only the first asks for the focus: a page has one."""

    def create_option(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option = super().create_option(*args, **kwargs)
        if option["index"] != "0":
            option["attrs"].pop("autofocus", None)
        return option


class FeedbackForm(forms.Form):
    """What somebody says about a page of either portal.

    Labels that ask get no colon: which signs end a question differs by language.
    """

    source = forms.CharField(required=False, widget=forms.HiddenInput)
    page = PlainPageField(
        label=_("The page it is about"),
        required=False,
        max_length=PAGE_LENGTH,
        # Else the first slash of a path stands behind it where people write from right to left.
        widget=forms.TextInput(attrs={"dir": "ltr"}),
    )
    kind = forms.ChoiceField(
        label=_("What is it about?"),
        label_suffix="",
        choices=Feedback.Kind.choices,
        widget=Radios,
        error_messages=CHOOSE_ONE,
    )
    text = PlainTextField(
        label=_("What did you like, what could be better?"),
        label_suffix="",
        required=False,
        max_length=TEXT_LENGTH,
        widget=forms.Textarea(attrs={"rows": 5}),
    )
    rating = forms.TypedChoiceField(
        label=_("How is it going?"),
        label_suffix="",
        required=False,
        coerce=int,
        empty_value=None,
        choices=[
            ("", _("No answer")),
            (5, _("Very good")),
            (4, _("Good")),
            (3, _("Neither good nor bad")),
            (2, _("Bad")),
            (1, _("Very bad")),
        ],
        widget=Radios,
        error_messages=CHOOSE_ONE,
    )
    screenshot = forms.FileField(
        label=_("Picture of the page"),
        required=False,
        # Whatever it is called and however long that is: the name is not kept.
        widget=forms.FileInput(
            attrs={
                "accept": "image/png,image/jpeg,image/webp",
                # The script says so before anything is sent.
                "data-most-bytes": MOST_BYTES,
                "data-too-large": _WORDS["too_large"],
            }
        ),
        help_text=_(
            "PNG, JPEG or WebP, up to 5 MB. Only what is seen in it is kept: hide what others "
            "must not see."
        ),
    )
    may_contact = forms.BooleanField(label=_("You may contact me about this"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.is_bound:
            asked = self.fields["text" if self["kind"].value() else "kind"]
            asked.widget.attrs["autofocus"] = True

    def clean_source(self) -> str:
        return known_source(self.cleaned_data["source"])

    def clean_screenshot(self) -> UploadedFile[Any] | None:
        file: UploadedFile[Any] | None = self.cleaned_data["screenshot"]
        if file is not None and (file.size or 0) > MOST_BYTES:
            raise forms.ValidationError(_WORDS["too_large"], code="too_large")
        return file

    def clean(self) -> dict[str, Any]:
        """Reads the picture once everything else is right, because that takes a moment."""
        said: dict[str, Any] = {**self.cleaned_data}
        if not self.errors and said["screenshot"] is not None:
            said["screenshot"] = self._picture(said["screenshot"])
        return said

    def focus_on_error(self) -> None:
        """The first field with an error gets the focus when the page is shown again."""
        wrong = next((name for name in self.fields if name in self.errors), None)
        if wrong is not None:
            self.fields[wrong].widget.attrs["autofocus"] = True

    def _picture(self, file: UploadedFile[Any]) -> Picture | None:
        try:
            return picture_of(file)
        except NotAPicture:
            problem = "not_a_picture"
        except TooManyPixels:
            problem = "too_many_pixels"
        except ReadingOthers:
            problem = "reading_others"
        self.add_error("screenshot", forms.ValidationError(_WORDS[problem], code=problem))
        return None


def known_source(asked: str) -> str:
    """``asked`` if it names where feedback begins, else ``other``."""
    return asked if asked in Feedback.Source.values else Feedback.Source.OTHER
