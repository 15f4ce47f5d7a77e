"""Errors a person can act on, for what goes wrong outside the views."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from http import HTTPStatus

from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from redirection.models.reasons import one_line

logger = logging.getLogger(__name__)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The page for a form whose protection did not match, such as after a sign-out."""
    reference = secrets.token_hex(4)
    logger.warning(
        "CSRF refused: reference=%s %s %s: %s",
        reference, request.method, one_line(request.path), reason,
    )  # fmt: skip
    context = {
        "title": _("This form is out of date."),
        "next_step": _(
            "Go back, reload the page and send it again. Nothing was changed. "
            "Reference: %(reference)s"
        )
        % {"reference": reference},
    }
    return render(request, "403.html", context, status=HTTPStatus.FORBIDDEN)


class StoreErrorMiddleware:
    """Answers 503 where the store fails: nothing is half-applied, trying again is safe."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, OperationalError):
            return None
        logger.error("Store failed at %s %s: %s", request.method, one_line(request.path), error)
        response = render(request, "503.html", status=HTTPStatus.SERVICE_UNAVAILABLE)
        response["Retry-After"] = "5"
        return response
