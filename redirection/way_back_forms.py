"""The form that asks for the old address of a new page."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator
from django.utils.translation import gettext_lazy as _

from redirection.conf import conf
from redirection.pasted_links import NotALink, PastedLink, pasted_link
from redirection.trial_forms import LONGEST_LINK, PROBLEMS


class WayBackForm(forms.Form):
    """One page of the destination. ``cleaned_data["page"]`` is a PastedLink on ``origin``."""

    page = forms.CharField(
        # No limit in the browser: it would cut what is pasted without a word.
        validators=[MaxLengthValidator(LONGEST_LINK, _("Use at most %(limit_value)d characters."))],
        error_messages={"required": _("Paste an address first.")},
    )

    def __init__(self, *args: Any, origin: str | None = None, **words: Any) -> None:
        super().__init__(*args, **words)
        self.origin = origin

    def clean_page(self) -> PastedLink:
        try:
            link = pasted_link(self.cleaned_data["page"])
        except NotALink as error:
            raise ValidationError(str(PROBLEMS[error.problem]), code=error.problem) from None
        own = urlsplit(self.origin or "").netloc
        if link.host and link.host.lower() != own:
            raise ValidationError(
                _("This is no address of %(destination)s for your organisation."),
                params={"destination": conf().destination_name},
                code="host",
            )
        return link
