"""Whoever posts what is refused again and again is told so before anything of it is read.

To say no with the form, as somebody needs it who made a mistake, takes more time than there is for
a program that goes on all the same: it would keep everybody else waiting.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from http import HTTPStatus

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.shortcuts import render

from redirection.rare_logs import Rarely
from redirection.tallies import Tally

logger = logging.getLogger(__name__)

# Refused posts of a session, in a process and a minute; nobody types as many.
MOST_REFUSED = 30
# After so many of all sessions together there is time for a few of each only.
MANY_IN_ALL = 60
FEW_REFUSED = 3

View = Callable[[HttpRequest], HttpResponse]


_refused = Tally(60)


def _has_posted_enough(session: str) -> bool:
    most = MOST_REFUSED if _refused.total() < MANY_IN_ALL else FEW_REFUSED
    return _refused.number(session) >= most


def not_without_end(view: View) -> View:
    """Answers 429 instead of ``view`` to a session that was refused too often."""
    log = Rarely()

    @functools.wraps(view)
    def bounded(request: HttpRequest) -> HttpResponse:
        session = request.session.session_key
        if request.method != "POST" or session is None:
            return view(request)
        if _has_posted_enough(session):
            if log.is_due():
                logger.warning("Refused unread: a session posts without end")
            response = render(request, "redirection/without_end.html")
            response.status_code = HTTPStatus.TOO_MANY_REQUESTS
            response["Retry-After"] = str(_refused.wait())
            return response
        try:
            response = view(request)
        except (SuspiciousOperation, MultiPartParserError, PermissionDenied, Http404):
            _refused.note(session)
            raise
        if HTTPStatus.BAD_REQUEST <= response.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
            _refused.note(session)
        return response

    return bounded
