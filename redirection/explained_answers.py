"""The answer of this project to a request that is only imagined: nothing is counted."""

from __future__ import annotations

import time

from redirection import answers
from redirection.answers import Answer
from redirection.conf import Conf
from redirection.legacy_requests import LegacyRequest
from redirection.locations import link_of
from redirection.set_cookies import Cookie
from redirection.visits import Visit

Headers = tuple[tuple[str, str], ...]


def answer_to(request: LegacyRequest, visit: Visit, settings: Conf) -> tuple[int | None, Headers]:
    """Status and headers for ``visit`` of ``request``.

    The status is None where the legacy portal answers; then the headers are those that are
    added to its answer. Cookies stand there by their names only.
    """
    answer = _answer(request, visit, settings)
    if answer is None:
        return None, _kept(visit, settings)
    return answer.status, (*answer.headers, *_without_values(answer.cookies))


def _answer(request: LegacyRequest, visit: Visit, settings: Conf) -> Answer | None:
    if visit.decision.refuse:
        return answers.refuse(visit)
    if visit.decision.go and visit.tenant is not None:
        link = link_of(request, visit.tenant)
        return answers.redirect_to(link, request, visit, visit.tenant, settings)
    return None


def _kept(visit: Visit, settings: Conf) -> Headers:
    """What this project adds to an answer of the legacy portal."""
    if visit.host is None or visit.tenant is None:
        return ()
    renewed = answers.renewal(visit, settings)
    addition = answers.unseen_addition(visit, renewed, settings)
    headers = list(addition.headers)
    if addition.cache_control:
        headers.append(("Cache-Control", ", ".join(addition.cache_control)))
    return (*headers, *_without_values(addition.cookies))


def _without_values(cookies: list[Cookie]) -> Headers:
    # The value of a cookie would be somebody's session.
    now = time.time()
    return tuple(("Set-Cookie", cookie._replace(value="…").text(now)) for cookie in cookies)
