"""The form of the page that tries a link."""

from __future__ import annotations

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from redirection.pasted_links import NotALink, PastedLink, Problem, pasted_link

# Common proxies pass no longer line of a request (nginx: 8 kB).
LONGEST_LINK = 8000
PROBLEMS: dict[Problem, str | Promise] = {
    Problem.SCHEME: _("Only links that begin with http:// or https:// open a page."),
    Problem.HOST: _("The host or port of this link cannot be. Copy it once more from its page."),
    Problem.CHARACTERS: _("This link has characters that no address has."),
}


class TryLinkForm(forms.Form):
    """One legacy link, as somebody pastes it. ``cleaned_data["link"]`` is a PastedLink."""

    link = forms.CharField(
        label=_("Link into the legacy portal"),
        # No limit in the browser: it would cut what is pasted without a word.
        validators=[MaxLengthValidator(LONGEST_LINK, _("Use at most %(limit_value)d characters."))],
        error_messages={"required": _("Paste a link first.")},
    )

    def clean_link(self) -> PastedLink:
        try:
            return pasted_link(self.cleaned_data["link"])
        except NotALink as error:
            raise ValidationError(str(PROBLEMS[error.problem]), code=error.problem) from None
