"""The page after a form: where a form's answer leads on to the destination.

A page may forbid its forms to lead elsewhere (``form-action`` of its Content-Security-Policy),
and browsers hold every redirect after the form against that: the form would have been sent,
and the tab would stand still. So the load after a form is answered with a page that leads on.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils import translation

from redirection.conf import Conf
from redirection.request_classes import RequestClass
from redirection.set_cookies import Cookie

_FORMS = (RequestClass.FORM_POST, RequestClass.UPLOAD)
# From the answer to a form to the load it asks for.
_SECONDS = 10
_LONGEST = 200


def may_be_sent_on(kind: RequestClass) -> bool:
    """Whether a request is a form, which may be answered with the address of the next page."""
    return kind in _FORMS


def is_sent_on(status: int) -> bool:
    """Whether an answer of this status to a form sends it on to the next page."""
    return 300 <= status < 400


def marking(conf: Conf) -> Cookie:
    """The cookie with which the browser says on its next load that it comes from a form."""
    value = _signer().sign("form")
    return Cookie(_cookie(conf), value, "", conf.session_cookie_secure, _SECONDS)


def is_part_of(conf: Conf, cookies: Mapping[str, str]) -> bool:
    """Whether this load comes after a form."""
    value = cookies.get(_cookie(conf), "")
    if not value or len(value) > _LONGEST:
        return False
    try:
        _signer().unsign(value, max_age=_SECONDS)
    except signing.BadSignature:
        return False
    return True


def lead_on(
    conf: Conf, request: HttpRequest, redirect: HttpResponse, portal_name: str = ""
) -> HttpResponse:
    """A page that does what ``redirect`` says, with its headers; a link where it cannot.

    ``portal_name`` is the portal it leads to, the destination unless named. The chain of pages
    after the form ends here.
    """
    name = portal_name or conf.destination_name
    context = {"address": redirect["Location"], "destination_name": name}
    # This stands before whatever chooses the language of a page.
    with translation.override(translation.get_language_from_request(request)):
        response = HttpResponse(render_to_string("redirection/lead_on.html", context))
    for name, value in redirect.items():
        if name not in ("Location", "Content-Length", "Content-Type"):
            response[name] = value
    response["X-Frame-Options"] = "DENY"
    response.cookies = redirect.cookies
    response.delete_cookie(_cookie(conf), samesite="Lax")
    return response


def _cookie(conf: Conf) -> str:
    # __Host-: no other host of the domain can leave one here.
    return f"{'__Host-' if conf.session_cookie_secure else ''}legacy_form"


def _signer() -> signing.TimestampSigner:
    return signing.TimestampSigner(salt="redirection.form_chains")
