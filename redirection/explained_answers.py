"""The answer of this project to a request that is only imagined: nothing is counted."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_cache_control

from redirection import legacy_sessions, loops
from redirection.conf import Conf
from redirection.middleware import answer, say_why
from redirection.visits import Visit

Headers = tuple[tuple[str, str], ...]


def answer_to(request: HttpRequest, visit: Visit, settings: Conf) -> tuple[int | None, Headers]:
    """Status and headers for ``visit`` of ``request``.

    The status is None where the legacy portal answers; then the headers are those that are
    added to its answer. Cookies stand there by their names only.
    """
    answered = answer(request, visit, counts=False)
    if answered is not None:
        return answered.status_code, _headers(answered)
    return None, _headers(_kept(visit, settings))


def _kept(visit: Visit, settings: Conf) -> HttpResponse:
    """What this project adds to an answer of the legacy portal."""
    response = HttpResponse()
    del response["Content-Type"]
    if visit.host is not None and visit.tenant is not None:
        if visit.page_load:
            say_why(response, visit)
            if visit.returns:
                loops.note(settings, response, visit.returns)
        session = visit.session_after(settings)
        if session is not None and session is not visit.session:
            patch_cache_control(response, private=True)
            legacy_sessions.write(settings, response, session, visit.host.domain)
    return response


def _headers(response: HttpResponse) -> Headers:
    # The value of a cookie would be somebody's session.
    cookies = (
        ("Set-Cookie", morsel.OutputString().replace(morsel.coded_value, "…", 1))
        for morsel in response.cookies.values()
    )
    return (*response.items(), *cookies)
