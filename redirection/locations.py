"""Where a page load goes that is redirected: the address on the tenant's destination."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from urllib.parse import quote

from redirection import counted_loads, switches
from redirection.conf import Conf, conf
from redirection.decisions import Tenant
from redirection.deep_links import Counterpart, DeepLink, destination_for
from redirection.legacy_requests import LegacyRequest
from redirection.rule_sets import RuleSet

# Longer addresses pass neither common proxies (nginx: 4 buffers of 8 kB) nor Django's redirect.
LONGEST_LOCATION = 16_000
# So many links are kept as they were found, each of at most so many characters.
_LINKS_KEPT, _LONGEST_KEPT = 4_096, 300


def link_of(request: LegacyRequest, tenant: Tenant) -> DeepLink:
    """The counterpart of the page this request asks for, as far as a server knows it."""
    return _found(request.page, request.parameters, tenant)


def page_link_of(request: LegacyRequest, tenant: Tenant) -> DeepLink:
    """The counterpart of that page without its parameters: what a page that stays counts as."""
    return _found(request.page, "", tenant)


def _found(page: str, parameters: str, tenant: Tenant) -> DeepLink:
    rules = switches.held().rules
    if len(page) + len(parameters) > _LONGEST_KEPT:
        return destination_for(page, parameters, "", tenant.tid, rules, tenant.cloud)
    return _finder(rules)(page, parameters, "", tenant.tid, cloud=tenant.cloud)


# Most people come to a few pages, the rest of whose address is behind "#". Other rules are
# another finder, which knows nothing yet.
@lru_cache(maxsize=1)
def _finder(rules: RuleSet) -> Callable[..., DeepLink]:
    return lru_cache(maxsize=_LINKS_KEPT)(partial(destination_for, rules=rules))


def location(
    request: LegacyRequest, tenant: Tenant, link: DeepLink, now: int, settings: Conf
) -> str:
    """The address on the tenant's destination that this request goes to at ``now`` (ms)."""
    origin, tid = settings.destination(tenant.cloud) or "", tenant.tid
    is_exact = link.route and link.counterpart is Counterpart.EXACT
    # A shell page may carry a fragment that only the browser knows, and a page without an
    # exact counterpart owes the person a word: both go by way of the hand-over page.
    way = link.target if is_exact else _by_hand_over(request, request.target, tid, now, settings)
    if len(way) <= LONGEST_LOCATION - len(origin):
        return f"{origin}{way}"
    # Without its filters the link still leads to the right page.
    shorter = _by_hand_over(request, request.page, tid, now, settings)
    if len(shorter) > LONGEST_LOCATION - len(origin):
        shorter = _hand_over(settings, tid, "/")
    return f"{origin}{shorter}"


def hand_over_address(tid: str, page: str) -> str:
    """Path and query of the hand-over page for ``page``, path and query of a legacy page."""
    return _hand_over(conf(), tid, page)


def _by_hand_over(request: LegacyRequest, address: str, tid: str, now: int, settings: Conf) -> str:
    way = _hand_over(settings, tid, address)
    if request.method != "GET":
        return way
    # This load was counted as redirected, and its page may still get known.
    return f"{way}&counted={counted_loads.claim(settings, tid, request.page, now)}"


def _hand_over(settings: Conf, tid: str, address: str) -> str:
    return f"{settings.hand_over_path}?tid={tid}&from={quote(address, safe='/')}"
