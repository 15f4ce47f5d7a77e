"""Errors a person can act on, for what goes wrong outside the views."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import Resolver404, resolve, set_urlconf
from django.utils.translation import gettext as _

from redirection import refusals
from redirection.models.reasons import one_line

logger = logging.getLogger(__name__)

# Not there, or gone meanwhile.
STORE_ERRORS = (OperationalError, InterfaceError)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The page for a form whose protection did not match, such as after a sign-out.

    A view that has something to give back to whoever posted to it has ``form_again``, called with
    the request and what to say.
    """
    try:
        # Asked now, so that it is noted who it was.
        bool(request.user.is_authenticated)
    except STORE_ERRORS:
        # Every page says who somebody is.
        return _unavailable(request)
    reference = refusals.record(request, refusals.What.FORM, because=reason)
    form_again = getattr(request.resolver_match and request.resolver_match.func, "form_again", None)
    # What came from another site is nobody's own words.
    if form_again is not None and reason.startswith("CSRF "):
        problem = _(
            "This form is from before you signed in again, so nothing was sent. All that you "
            "typed is still here: check it and send it again. Reference: %(reference)s"
        ) % {"reference": reference}
        again: HttpResponse | None = form_again(request, problem)
        if again is not None:
            return again
    context = {
        "title": _("This form is out of date."),
        "next_step": _(
            "Go back, reload the page and send it again. Nothing was changed. "
            "Reference: %(reference)s"
        )
        % {"reference": reference},
    }
    return render(request, "403.html", context, status=HTTPStatus.FORBIDDEN)


def store_failed(request: HttpRequest, error: Exception) -> HttpResponse:
    """The answer while the store is down.

    A view that has something to give back to whoever posted to it has ``without_store``, a view
    that asks the store nothing.
    """
    logger.error("Store failed at %s %s: %s", request.method, one_line(request.path), error)
    # A middleware may be asking, before anybody has looked at the address.
    set_urlconf(getattr(request, "urlconf", None))
    without_store = _without_store(request) if request.method == "POST" else None
    if without_store is not None:
        # A form refused as forged gets a page that asks who somebody is.
        with suppress(*STORE_ERRORS):
            return without_store(request)
    return _unavailable(request)


def _unavailable(request: HttpRequest) -> HttpResponse:
    response = render(request, "503.html", status=HTTPStatus.SERVICE_UNAVAILABLE)
    response["Retry-After"] = "5"
    return response


def _without_store(request: HttpRequest) -> Callable[[HttpRequest], HttpResponse] | None:
    try:
        view = resolve(request.path_info, getattr(request, "urlconf", None)).func
    except Resolver404:
        return None
    return getattr(view, "without_store", None)


class StoreErrorMiddleware:
    """Answers 503 where the store fails: nothing is half-applied, trying again is safe."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, STORE_ERRORS):
            return None
        return store_failed(request, error)
