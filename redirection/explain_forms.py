"""The question of ``explain``, as the operators' page and the command take it."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator
from django.db.models import Q
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from redirection.conf import conf
from redirection.explanations import Question
from redirection.models import Tenant
from redirection.pasted_links import NotALink, PastedLink, pasted_link
from redirection.step_backs import legacy_origin
from redirection.trial_forms import LONGEST_LINK, PROBLEMS
from redirection.visitors import Visitor

LONGEST_HEADERS = 8000
VISITOR_NAMES: dict[Visitor, str | Promise] = {
    Visitor.NEW: _("Somebody new"),
    Visitor.RUNNING: _("Somebody at work since before the switch"),
    Visitor.NEW_TAB: _("The same person, in a new tab"),
    Visitor.ENDED: _("Somebody whose session has ended"),
    Visitor.STEPPED_BACK: _("Somebody who opened the old page for one task"),
    Visitor.OLD_BROWSER: _("A browser without Sec-Fetch headers"),
    Visitor.BACKGROUND: _("A background call"),
    Visitor.FORM: _("A form that is sent"),
    Visitor.IFRAME: _("A frame in another page"),
    Visitor.IMAGE: _("An image"),
    Visitor.PREFETCH: _("A browser that fetches ahead"),
    Visitor.PRERENDER: _("A browser that renders ahead"),
    Visitor.COMMAND_LINE: _("A program such as curl"),
}
# RFC 9110, 5.6.2 and 9.1.
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
# The address and the session are asked for at fields of their own.
_ELSEWHERE = ("host", "cookie")


class ExplainForm(forms.Form):
    """``question`` is what was asked, once the form is valid; ``at_is_naive`` says it was UTC."""

    url = forms.CharField(
        label=_("Address"),
        help_text=_("A whole address, a path, or the part from # on. Nothing is opened."),
        validators=[MaxLengthValidator(LONGEST_LINK, _("Use at most %(limit_value)d characters."))],
        error_messages={"required": _("Give an address.")},
        widget=forms.TextInput(attrs={"class": "vTextField", "dir": "ltr", "spellcheck": "false"}),
    )
    tenant = forms.CharField(
        label=_("Organisation"),
        required=False,
        help_text=_("Name or tenant id. Only needed where the address names none."),
        max_length=100,
        widget=forms.TextInput(attrs={"dir": "ltr", "spellcheck": "false"}),
    )
    at = forms.CharField(
        label=_("Time"),
        required=False,
        help_text=_("Such as 2026-01-31T14:00+01:00; without a zone it is UTC. Empty: now."),
        max_length=40,
        widget=forms.TextInput(attrs={"dir": "ltr", "spellcheck": "false"}),
    )
    visitor = forms.ChoiceField(
        label=_("Visitor"),
        required=False,
        choices=[(visitor.value, name) for visitor, name in VISITOR_NAMES.items()],
        error_messages={
            "invalid_choice": format_lazy(
                _("“%(value)s” is no kind of visitor. Choose one of these: {names}."),
                names=", ".join(Visitor),
            )
        },
    )
    method = forms.CharField(
        label=_("Method"),
        required=False,
        help_text=_("Such as HEAD. Empty: what the visitor sends."),
        max_length=20,
        widget=forms.TextInput(attrs={"dir": "ltr", "spellcheck": "false"}),
    )
    header = forms.CharField(
        label=_("Headers"),
        required=False,
        help_text=_("One a line, as Name: value. They replace those of the visitor."),
        max_length=LONGEST_HEADERS,
        widget=forms.Textarea(attrs={"rows": 3, "dir": "ltr", "spellcheck": "false"}),
    )
    cookie = forms.CharField(
        label=_("Legacy session cookie"),
        required=False,
        help_text=_(
            "In place of the visitor's session. It is checked, never shown, stored or logged."
        ),
        max_length=500,
        widget=forms.PasswordInput(attrs={"autocomplete": "off", "dir": "ltr"}),
    )

    at_is_naive = False

    def clean_url(self) -> PastedLink:
        try:
            return pasted_link(self.cleaned_data["url"])
        except NotALink as error:
            raise ValidationError(str(PROBLEMS[error.problem]), code=error.problem) from None

    def clean_tenant(self) -> Tenant | None:
        named = self.cleaned_data["tenant"]
        tenant = _tenant_named(named) if named else None
        if named and tenant is None:
            raise ValidationError(_("No tenant is named “%(name)s”."), params={"name": named})
        return tenant

    def clean_at(self) -> datetime:
        text = self.cleaned_data["at"]
        if not text:
            return timezone.now()
        try:
            at = parse_datetime(text)
        except ValueError:
            at = None
        if at is None:
            raise ValidationError(
                _("Write the time as 2026-01-31T14:00 or 2026-01-31T14:00+01:00.")
            )
        self.at_is_naive = timezone.is_naive(at)
        try:
            at = at.replace(tzinfo=UTC) if self.at_is_naive else at.astimezone(UTC)
        except OverflowError:
            at = datetime.max.replace(tzinfo=UTC)
        if at > timezone.now():
            raise ValidationError(_("What will happen then is not known: leave the time empty."))
        return at

    def clean_visitor(self) -> Visitor:
        return Visitor(self.cleaned_data["visitor"] or Visitor.NEW)

    def clean_method(self) -> str:
        method: str = self.cleaned_data["method"].upper()
        if method and not _TOKEN.fullmatch(method):
            raise ValidationError(_("This is no method of a request."))
        return method

    def clean_header(self) -> tuple[tuple[str, str], ...]:
        found = []
        for line in self.cleaned_data["header"].splitlines():
            name, colon, value = line.partition(":")
            value = value.strip()
            if not line.strip():
                continue
            if not colon or not _TOKEN.fullmatch(name) or _CONTROL.search(value):
                raise ValidationError(_("Write a header as Name: value."))
            if name.lower() in _ELSEWHERE:
                raise ValidationError(_("Host and cookies have fields of their own."))
            found.append((name, value))
        return tuple(found)

    def clean(self) -> dict[str, Any]:
        found = self.cleaned_data
        link, tenant = found.get("url"), found.get("tenant")
        if link is not None and not link.host and not self.errors:
            origin = legacy_origin(conf(), tenant.cloud, tenant.name) if tenant else None
            if origin is None:
                self.add_error(
                    "tenant",
                    _("The address names no host: say whose it is, or give the whole address."),
                )
            else:
                host = origin.partition("://")[2]
                found["url"] = PastedLink(host, link.path, link.query, link.fragment)
        return found

    @property
    def question(self) -> Question:
        found = self.cleaned_data
        return Question(
            link=found["url"],
            at=found["at"],
            visitor=found["visitor"],
            tenant=found["tenant"],
            method=found["method"],
            headers=found["header"],
            cookie=found["cookie"],
        )


def _tenant_named(text: str) -> Tenant | None:
    wanted = Q(name=text)
    with suppress(ValueError):
        wanted |= Q(tid=UUID(text))
    return Tenant.objects.filter(wanted).first()
