"""What this project answers to a request, and what it adds where the legacy portal answers.

Values, for everybody who answers: Django's middleware, the WSGI door and the gate.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

from redirection import form_chains, legacy_sessions, loops, traffic
from redirection.conf import Conf
from redirection.counted_links import note_load
from redirection.decisions import LegacySession, Tenant
from redirection.legacy_requests import LegacyRequest
from redirection.locations import Way, location, page_way_of, way_of
from redirection.request_classes import TREATMENTS
from redirection.set_cookies import Cookie
from redirection.visits import Visit

HEADER = "Redirection-Decision"
Headers = list[tuple[str, str]]
# Of an empty answer, as Django writes it.
_CONTENT_TYPE = ("Content-Type", "text/html; charset=utf-8")
_NOT_STORED, _EMPTY = ("Cache-Control", "no-store"), ("Content-Length", "0")
# To name a member takes longer than to compare with it.
FOUND = HTTPStatus.FOUND
_UNAVAILABLE = HTTPStatus.SERVICE_UNAVAILABLE
_KEPT, _REDIRECTED = traffic.Answer.KEPT, traffic.Answer.REDIRECTED


# Takes half as long as to call a class.
_new = object.__new__


# Made for every redirect, and frozen it would take thrice as long; nobody changes it.
@dataclass(slots=True)
class Answer:
    """An empty answer instead of the legacy portal's: status, headers and cookies to set."""

    status: HTTPStatus
    headers: Headers
    cookies: list[Cookie]


# The page says when its tab began and when redirection was switched: a copy would lie.
_PAGE_CACHE_CONTROL = ("private", "no-cache")


# Made for every page that stays, as Answer is for every redirect.
@dataclass(slots=True)
class Addition:
    """What an answer of the legacy portal gets on top.

    ``cache_control`` are directives beside its own.
    """

    headers: Headers
    cache_control: tuple[str, ...]
    cookies: list[Cookie]


@dataclass(slots=True)
class Renewal:
    """The legacy session after a request, and its cookie where that must be written."""

    session: LegacySession
    cookie: Cookie | None


def refuse(visit: Visit) -> Answer:
    """The empty answer to a prefetch or prerender: the browser drops it and asks again."""
    headers = [_CONTENT_TYPE, _NOT_STORED, _EMPTY, (HEADER, visit.header)]
    return Answer(_UNAVAILABLE, headers, [])


def go(
    request: LegacyRequest, visit: Visit, tenant: Tenant, settings: Conf, *, counts: bool = True
) -> Answer:
    """The redirect to the tenant's destination origin, counted where ``counts`` says so."""
    way = way_of(request, tenant, settings)
    if counts:
        count_redirected(visit, tenant, way)
    return redirect_to(way, visit, tenant, settings)


def redirect_to(way: Way, visit: Visit, tenant: Tenant, settings: Conf) -> Answer:
    """The redirect to the tenant's destination origin by ``way``, with its headers."""
    address = location(way, tenant.tid, visit.now, settings) if way.is_claimed else way.address
    text = visit.header if visit.stale else visit.decision.text
    found = _new(Answer)
    found.status = FOUND
    found.headers = [_CONTENT_TYPE, ("Location", address), _NOT_STORED, _EMPTY, (HEADER, text)]
    found.cookies = [] if visit.remembered else _remembering(visit, settings)
    if visit.returns:
        found.cookies += _counting_returns(visit, settings)
    return found


def page_addition(visit: Visit, settings: Conf) -> Addition:
    """What a page gets that stays."""
    addition = _new(Addition)
    addition.headers = [(HEADER, visit.header if visit.stale else visit.decision.text)]
    addition.cache_control = _PAGE_CACHE_CONTROL
    addition.cookies = []
    # Ahead of time nobody has visited anything.
    if not visit.remembered and not visit.is_ahead_of_time:
        addition.cookies = _remembering(visit, settings)
    if visit.returns:
        addition.cookies += _counting_returns(visit, settings)
    return addition


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
    renewed = _new(Renewal)
    renewed.session = session
    renewed.cookie = None
    if session is not visit.session:
        renewed.cookie = legacy_sessions.keeping(settings, session, visit.host.domain)
    return renewed


def unseen_addition(visit: Visit, renewed: Renewal | None, settings: Conf) -> Addition:
    """What the legacy portal's answer gets, for whoever does not see that answer."""
    addition = page_addition(visit, settings) if visit.page_load else Addition([], (), [])
    if renewed is None or renewed.cookie is None:
        return addition
    # No cache may hand the cookie to somebody else.
    cache_control = addition.cache_control or ("private",)
    return Addition(addition.headers, cache_control, [*addition.cookies, renewed.cookie])


def count_redirected(visit: Visit, tenant: Tenant, way: Way) -> None:
    """Count a page load that is answered with the redirect by ``way``."""
    # Nothing but a page load is redirected.
    if TREATMENTS[visit.request_class].counted:
        traffic.count(tenant.tid, visit.now, way.route, _REDIRECTED)
        if way.is_noted:
            note_load(way.link, way.unmatched, visit.now, _REDIRECTED)


def count_kept(request: LegacyRequest, visit: Visit, tenant: Tenant, settings: Conf) -> None:
    """Count a page load that the legacy portal answers with a page."""
    if visit.page_load and TREATMENTS[visit.request_class].counted:
        way = page_way_of(request, tenant, settings)
        traffic.count(tenant.tid, visit.now, way.route, _KEPT)
        if way.is_noted:
            note_load(way.link, way.unmatched, visit.now, _KEPT)


def mark(visit: Visit, renewed: Renewal) -> None:
    """Note that the session was seen."""
    session = renewed.session
    # Only a cookie that came back shows that a browser is there, and no robot that keeps none.
    if visit.session_runs and (renewed.cookie is not None or session.seen == session.started):
        traffic.mark(session.tid, session.started, session.seen)


def _remembering(visit: Visit, settings: Conf) -> list[Cookie]:
    if visit.host is None or visit.tenant is None or visit.remembered or visit.cookies_unreadable:
        return []
    return [legacy_sessions.remembering(settings, visit.tenant.tid, visit.host.domain)]


def _counting_returns(visit: Visit, settings: Conf) -> list[Cookie]:
    return [loops.counting(settings, visit.returns)] if visit.returns else []
