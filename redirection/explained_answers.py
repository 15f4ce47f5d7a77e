"""The answer of this project to a request that is only imagined: nothing is counted."""

from __future__ import annotations

import time

from django.http import HttpRequest

from redirection import answers
from redirection.conf import Conf
from redirection.legacy_requests import LegacyRequest
from redirection.middleware import answer_visit
from redirection.visits import Visit

Headers = tuple[tuple[str, str], ...]


def answer_to(
    imagined: HttpRequest, request: LegacyRequest, visit: Visit, settings: Conf
) -> tuple[int | None, Headers]:
    """Status and headers for ``visit`` of ``imagined``, which is also there as ``request``.

    The status is None where the legacy portal answers; then the headers are those that are
    added to its answer. Cookies stand there by their names only.
    """
    answered = answer_visit(imagined, request, visit, counts=False)
    if answered is None:
        return None, _kept(visit, settings)
    # The value of a cookie would be somebody's session.
    cookies = (
        ("Set-Cookie", morsel.OutputString().replace(morsel.coded_value, "…", 1))
        for morsel in answered.cookies.values()
    )
    return answered.status_code, (*answered.items(), *cookies)


def _kept(visit: Visit, settings: Conf) -> Headers:
    """What this project adds to an answer of the legacy portal."""
    if visit.host is None or visit.tenant is None:
        return ()
    renewed = answers.renewal(visit, settings)
    addition = answers.unseen_addition(visit, renewed, settings)
    headers = list(addition.headers)
    if addition.cache_control:
        headers.append(("Cache-Control", ", ".join(addition.cache_control)))
    now = time.time()
    cookies = (("Set-Cookie", cookie._replace(value="…").text(now)) for cookie in addition.cookies)
    return (*headers, *cookies)
