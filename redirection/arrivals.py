"""Where a pasted link leads, by the code that answers a real visit. Nothing is fetched."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from io import BytesIO
from urllib.parse import parse_qs, parse_qsl, unquote_to_bytes, urlsplit
from uuid import UUID

from django.core.handlers.wsgi import WSGIRequest
from django.utils.encoding import iri_to_uri

from redirection import switches
from redirection.conf import conf
from redirection.decisions import Tenant
from redirection.deep_links import Counterpart, DeepLink, destination_for, route_template
from redirection.locations import LONGEST_LOCATION, location, way_of
from redirection.pasted_links import PastedLink
from redirection.received_requests import of_django


class Owner(StrEnum):
    """Whose link it is, as far as one tenant may know; ``ANY``: the link does not say."""

    OWN = "own"
    ANY = "any"
    FOREIGN = "foreign"
    NOT_LEGACY = "not_legacy"


@dataclass(frozen=True, slots=True)
class Arrival:
    """Where a link leads: the full ``address``, and the ``rule`` that says so.

    ``hand_over``: the way leads by the hand-over page. ``stops``: a page in between says that
    there is no exact counterpart, and ``address`` is what it offers. ``parameters`` are the
    names of those of the link, ``left_out`` of those that do not travel.
    """

    address: str
    rule: DeepLink
    hand_over: bool
    parameters: list[str]
    left_out: list[str]

    @property
    def template(self) -> str:
        """The table's row, such as ``/alerts/*``; ``/*`` where no row matches."""
        return route_template(self.rule).partition(" ")[0]

    @property
    def stops(self) -> bool:
        shows_notices = conf().destination_shows_notices
        return self.rule.counterpart is Counterpart.NONE or (
            self.rule.counterpart is Counterpart.NEAREST and not shows_notices
        )

    @property
    def too_long(self) -> bool:
        """Whether the hand-over page refuses it."""
        return self.hand_over and len(self.rule.target) > LONGEST_LOCATION


def owner_of(link: PastedLink, tid: str, name: str) -> Owner:
    """Whose link it is, as seen by the tenant ``tid`` whose hosts begin with ``name``.

    ``tid`` in the link counts before the host, as in a visit. Whether another tenant exists
    makes no difference.
    """
    named = ""
    if link.host:
        host = conf().legacy_hosts.parse(link.host)
        if host is None:
            return Owner.NOT_LEGACY
        named = host.tenant or ""
    if link.tid is not None and (not named or _is_tid(link.tid)):
        return Owner.OWN if link.tid.lower() == tid else Owner.FOREIGN
    if not named:
        return Owner.ANY
    return Owner.OWN if named == name else Owner.FOREIGN


def visit_of(link: PastedLink) -> WSGIRequest:
    """The request a browser would make for ``link``, as it reaches the site."""
    return WSGIRequest(
        {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": unquote_to_bytes(link.path).decode("latin-1"),
            "QUERY_STRING": iri_to_uri(link.query),
            "HTTP_HOST": link.host,
            "wsgi.input": BytesIO(),
        }
    )


def arrival_of(link: PastedLink, visit: WSGIRequest, tenant: Tenant) -> Arrival:
    """Where ``link`` leads for ``tenant``, whose cloud has a destination origin."""
    request, rules = of_django(visit), switches.held().rules
    way = way_of(request, tenant, conf())
    rule = way.link
    # Nobody is on the way, so nothing may claim to have been counted now.
    found = location(way, tenant.tid, 0, conf())
    parts = urlsplit(found)
    hand_over = parts.path == conf().hand_over_path
    if hand_over:
        path, _, query = parse_qs(parts.query)["from"][0].partition("?")
        rule = destination_for(path, query, link.fragment, tenant.tid, rules, tenant.cloud)
        address = f"{parts.scheme}://{parts.netloc}{rule.target}"
    else:
        # The browser carries it along (RFC 9110, 10.2.2).
        carried = link.fragment and "#" not in found
        address = f"{found}#{iri_to_uri(link.fragment)}" if carried else found
    arriving = parse_qsl(urlsplit(address).query, keep_blank_values=True)
    parameters = dict.fromkeys(name for name, _ in link.parameters)
    left_out = dict.fromkeys(pair[0] for pair in link.parameters if pair not in arriving)
    return Arrival(address, rule, hand_over, list(parameters), list(left_out))


def _is_tid(text: str) -> bool:
    try:
        return str(UUID(text)) == text.lower()
    except ValueError:
        return False
