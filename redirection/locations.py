"""Where a page load goes that is redirected: the address on the tenant's destination."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from redirection import counted_loads, switches
from redirection.conf import Conf, conf
from redirection.counted_links import is_noted, route_at_first
from redirection.decisions import Tenant
from redirection.deep_links import Counterpart, DeepLink, destination_for
from redirection.legacy_requests import LegacyRequest, encoded_path, encoded_query
from redirection.memories import Memory
from redirection.rule_sets import RuleSet
from redirection.unmatched import template_unmatched

# Longer addresses pass neither common proxies (nginx: 4 buffers of 8 kB) nor Django's redirect.
LONGEST_LOCATION = 16_000
# So many ways are kept as they were found, of pages whose address has, together with the tenant's
# id, at most so many characters.
WAYS_KEPT, LONGEST_KEPT = 4_096, 350
_CLAIM = "&counted="
_LONGEST_CLAIM = len(_CLAIM) + counted_loads.LENGTH


# Made for every page that comes for the first time, and frozen it would take four times as long;
# nobody changes it.
@dataclass(slots=True)
class Way:
    """The way of a page load to the destination, as far as a server knows it.

    ``page`` is the path it asks for, percent-encoded; ``link`` its counterpart; ``route`` and
    ``unmatched`` are the templates it is counted under. ``address`` is where it is sent, with a
    claim behind it where ``is_claimed``: the hand-over page may count it anew. ``is_noted``: a
    load counts for more than its tenant.
    """

    page: str
    link: DeepLink
    route: str
    unmatched: str
    address: str
    is_claimed: bool
    is_noted: bool


def way_of(request: LegacyRequest, tenant: Tenant, settings: Conf) -> Way:
    """The way of this request, with its parameters."""
    asked = (request.full_path, request.query, request.method, tenant.tid, tenant.cloud)
    return _known_ways(settings)[asked]


def page_way_of(request: LegacyRequest, tenant: Tenant, settings: Conf) -> Way:
    """The way of that page without its parameters: what a page that stays counts as."""
    asked = (request.full_path, "", request.method, tenant.tid, tenant.cloud)
    return _known_ways(settings)[asked]


def location(way: Way, tid: str, now: int, settings: Conf) -> str:
    """The address on the destination of the tenant ``tid`` that a load at ``now`` (ms) goes to."""
    if not way.is_claimed:
        return way.address
    # This load was counted as redirected, and its page may still get known.
    claim = counted_loads.claim(settings, tid, way.page, now)
    return f"{way.address}{_CLAIM}{claim}"


def hand_over_address(tid: str, page: str) -> str:
    """Path and query of the hand-over page for ``page``, path and query of a legacy page."""
    return _hand_over(conf(), tid, page)


# Path, query, method, and the tenant's id and cloud.
_Asked = tuple[str, str, str, str, str]


class KnownWays(Memory[_Asked, Way]):
    """The ways found by ``rules`` and ``settings``, kept while there are not too many.

    Most people come to a few pages, the rest of whose address is behind "#".
    """

    __slots__ = ("rules", "settings")

    def __init__(self, rules: RuleSet, settings: Conf) -> None:
        super().__init__(self._found, WAYS_KEPT, LONGEST_KEPT)
        self.rules = rules
        self.settings = settings

    def _found(self, asked: _Asked) -> Way:
        path, query, method, tid, cloud = asked
        settings = self.settings
        page, parameters = encoded_path(path), encoded_query(query)
        link = destination_for(page, parameters, "", tid, self.rules, cloud)
        origin = settings.destination(cloud) or ""
        is_exact = bool(link.route) and link.counterpart is Counterpart.EXACT
        longest = LONGEST_LOCATION - len(origin)
        address, is_claimed = link.target, False
        # A shell page may carry a fragment that only the browser knows, and a page without an
        # exact counterpart owes the person a word: both go by way of the hand-over page.
        if not is_exact or len(address) > longest:
            is_claimed = method == "GET"
            room = longest - (_LONGEST_CLAIM if is_claimed else 0)
            whole = f"{page}?{parameters}" if query and not is_exact else page
            # Without its filters the link still leads to the right page.
            ways = [_hand_over(settings, tid, address) for address in (whole, page)]
            fitting = [way for way in ways if len(way) <= room]
            address = fitting[0] if fitting else _hand_over(settings, tid, "/")
            is_claimed = is_claimed and bool(fitting)
        unmatched = template_unmatched(link, page)
        return Way(
            page,
            link,
            route_at_first(link),
            unmatched,
            f"{origin}{address}",
            is_claimed,
            is_noted(link, unmatched),
        )


_ways: KnownWays | None = None


def _known_ways(settings: Conf) -> KnownWays:
    """Those kept for the rules held; other rules or other settings know nothing yet."""
    global _ways
    ways, rules = _ways, switches.held().rules
    if ways is None or ways.rules is not rules or ways.settings is not settings:
        ways = _ways = KnownWays(rules, settings)
    return ways


def _hand_over(settings: Conf, tid: str, address: str) -> str:
    return f"{settings.hand_over_path}?tid={tid}&from={quote(address, safe='/')}"
