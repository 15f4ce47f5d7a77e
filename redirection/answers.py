"""What this project answers to a request, and what it adds where the legacy portal answers.

Values, for everybody who answers: Django's middleware, the WSGI door and the gate.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import NamedTuple

from redirection import counted_links, form_chains, legacy_sessions, loops, traffic
from redirection.conf import Conf
from redirection.decisions import LegacySession, Tenant
from redirection.deep_links import DeepLink
from redirection.legacy_requests import LegacyRequest
from redirection.locations import link_of, location, page_link_of
from redirection.set_cookies import Cookie
from redirection.visits import Visit

HEADER = "Redirection-Decision"
Headers = list[tuple[str, str]]
# Of an empty answer, as Django writes it.
_EMPTY = [("Content-Type", "text/html; charset=utf-8")]


class Answer(NamedTuple):
    """An empty answer instead of the legacy portal's: status, headers and cookies to set."""

    status: HTTPStatus
    headers: Headers
    cookies: list[Cookie]


class Addition(NamedTuple):
    """What an answer of the legacy portal gets on top.

    ``cache_control`` are directives beside its own.
    """

    headers: Headers
    cache_control: tuple[str, ...]
    cookies: list[Cookie]


class Renewal(NamedTuple):
    """The legacy session after a request, and its cookie where that must be written."""

    session: LegacySession
    cookie: Cookie | None


def refuse(visit: Visit) -> Answer:
    """The empty answer to a prefetch or prerender: the browser drops it and asks again."""
    return Answer(HTTPStatus.SERVICE_UNAVAILABLE, [*_EMPTY, *_not_kept(visit)], [])


def go(
    request: LegacyRequest, visit: Visit, tenant: Tenant, settings: Conf, *, counts: bool = True
) -> Answer:
    """The redirect to the tenant's destination origin, counted where ``counts`` says so."""
    link = link_of(request, tenant)
    if counts:
        count_redirected(request, visit, tenant, link)
    return redirect_to(link, request, visit, tenant, settings)


def redirect_to(
    link: DeepLink, request: LegacyRequest, visit: Visit, tenant: Tenant, settings: Conf
) -> Answer:
    """The redirect to ``link`` on the tenant's destination origin, with its headers."""
    address = location(request, tenant, link, visit.now, settings)
    headers = [*_EMPTY, ("Location", address), *_not_kept(visit)]
    cookies = _remembering(visit, settings) + _counting_returns(visit, settings)
    return Answer(HTTPStatus.FOUND, headers, cookies)


def page_addition(visit: Visit, settings: Conf) -> Addition:
    """What a page gets that stays."""
    # Ahead of time nobody has visited anything.
    cookies = [] if visit.is_ahead_of_time else _remembering(visit, settings)
    cookies += _counting_returns(visit, settings)
    # The page says when its tab began and when redirection was switched: a copy would lie.
    return Addition([(HEADER, visit.header)], ("private", "no-cache"), cookies)


def form_cookie(visit: Visit, settings: Conf) -> Cookie | None:
    """What the answer to a form gets where it sends on to the next page (status 3xx)."""
    is_form = form_chains.may_be_sent_on(visit.request_class)
    on = visit.tenant is not None and visit.tenant.on and not visit.cookies_unreadable
    return form_chains.marking(settings) if is_form and on else None


def renewal(visit: Visit, settings: Conf) -> Renewal | None:
    """What becomes of the legacy session of a request that stays; None where there is none."""
    session = visit.session_after(settings)
    if session is None or visit.host is None:
        return None
    if session is visit.session:
        return Renewal(session, None)
    return Renewal(session, legacy_sessions.keeping(settings, session, visit.host.domain))


def unseen_addition(visit: Visit, renewed: Renewal | None, settings: Conf) -> Addition:
    """What the legacy portal's answer gets, for whoever does not see that answer."""
    addition = page_addition(visit, settings) if visit.page_load else Addition([], (), [])
    if renewed is None or renewed.cookie is None:
        return addition
    # No cache may hand the cookie to somebody else.
    cache_control = addition.cache_control or ("private",)
    return Addition(addition.headers, cache_control, [*addition.cookies, renewed.cookie])


def count_redirected(request: LegacyRequest, visit: Visit, tenant: Tenant, link: DeepLink) -> None:
    """Count a page load that is answered with the redirect to ``link``."""
    if visit.is_counted:
        _count(request, visit, tenant, link, traffic.Answer.REDIRECTED)


def count_kept(request: LegacyRequest, visit: Visit, tenant: Tenant) -> None:
    """Count a page load that the legacy portal answers with a page."""
    if visit.is_counted:
        _count(request, visit, tenant, page_link_of(request, tenant), traffic.Answer.KEPT)


def mark(visit: Visit, renewed: Renewal) -> None:
    """Note that the session was seen."""
    session = renewed.session
    # Only a cookie that came back shows that a browser is there, and no robot that keeps none.
    if visit.running and (renewed.cookie is not None or session.seen == session.started):
        traffic.mark(session.tid, session.started, session.seen)


def _count(
    request: LegacyRequest, visit: Visit, tenant: Tenant, link: DeepLink, answer: traffic.Answer
) -> None:
    counted_links.count_load(tenant.tid, visit.now, request.page, link, answer)


def _not_kept(visit: Visit) -> Headers:
    return [("Cache-Control", "no-store"), ("Content-Length", "0"), (HEADER, visit.header)]


def _remembering(visit: Visit, settings: Conf) -> list[Cookie]:
    if visit.host is None or visit.tenant is None or visit.remembered or visit.cookies_unreadable:
        return []
    return [legacy_sessions.remembering(settings, visit.tenant.tid, visit.host.domain)]


def _counting_returns(visit: Visit, settings: Conf) -> list[Cookie]:
    return [loops.counting(settings, visit.returns)] if visit.returns else []
