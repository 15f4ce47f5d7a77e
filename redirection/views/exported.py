"""The answer that is a file, and those that say why there is none."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus

from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _

from redirection.exports import FORMATS, TooManyFiles, file_of


def unknown_format(request: HttpRequest) -> HttpResponse:
    """The answer to a format that is none of FORMATS."""
    known = ", ".join(FORMATS)
    return no_file(
        request,
        _("There is no such file format."),
        _("Choose one of these: %(known)s.") % {"known": known},
    )


def wrong_filter(request: HttpRequest, filter_: object) -> HttpResponse:
    """The answer to a filter set that is not valid: an export never holds more than asked for."""
    form = filter_.form  # type: ignore[attr-defined]
    wrong = ", ".join(str(form.fields[name].label) for name in form.errors)
    return no_file(
        request,
        _("The filter has a wrong value."),
        _("Go back and correct it: %(wrong)s.") % {"wrong": wrong},
    )


def exported(
    request: HttpRequest, name: str, format_: str, lines: Iterable[str]
) -> HttpResponseBase:
    """``lines`` as a file to keep, called ``name`` with the format behind it.

    503 where too many others are being downloaded. Nothing is read for HEAD.
    """
    headers = {
        "Content-Disposition": content_disposition_header(True, f"{name}.{format_}"),
        "X-Content-Type-Options": "nosniff",
    }
    media_type = FORMATS[format_]
    if request.method == "HEAD":
        return StreamingHttpResponse((), content_type=media_type, headers=headers)
    try:
        file = file_of(lines)
    except TooManyFiles:
        response = no_file(
            request,
            _("The export has to wait."),
            _("Other exports are still being downloaded. Try again in ten seconds."),
            HTTPStatus.SERVICE_UNAVAILABLE,
        )
        response["Retry-After"] = "10"
        return response
    return FileResponse(file, content_type=media_type, headers=headers)


def no_file(
    request: HttpRequest, title: str, next_step: str, status: int = HTTPStatus.BAD_REQUEST
) -> HttpResponse:
    """A page in place of a file."""
    context = {"title": title, "next_step": next_step}
    return render(request, "redirection/refused.html", context, status=status)
