"""Where a legacy page lives in the destination portal. The one place that maps.

A legacy page link is ``/#/<route>?<query>``, with the filters inside the fragment; some
links carry the route as a path. Both read the same table.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, unquote
from uuid import UUID

from redirection.routes import ROUTES, Counterpart, Query, Route

__all__ = [
    "UNKNOWN_PAGE",
    "Counterpart",
    "DeepLink",
    "counterpart_of",
    "destination_for",
    "route_template",
]

# In the place of a route template: the page stands behind "#", and the browser has not told.
UNKNOWN_PAGE = "?"


# A page path or query as a browser sends it; everything else is percent-encoded. The percent
# sign is kept, so what is already encoded (once or twice) arrives as it was.
_UNCHANGED = "%!$&'()*+,-./:;=?@_~"
_ENCODED_SLASH = re.compile(r"%(?:25)?2f", re.IGNORECASE)
_PARAMETER = re.compile(r"[^&]+")
# Deeper than this no route of the table lies.
_DEEPEST = max(route.count("/") for route in ROUTES) + 1
# Only a user whose link names a directory object has a page over there.
_USER_PAGE = "User page"
_USER_BY_ID = "/users/{id}"


@dataclass(frozen=True, slots=True)
class DeepLink:
    """The counterpart of a legacy page.

    ``target`` is path and query on the destination origin, always starting with a single
    slash; ``feature`` names the page; ``route`` is the table's row, never anything personal.
    """

    target: str
    counterpart: Counterpart
    feature: str
    route: str


def destination_for(path: str, query: str = "", fragment: str = "", tid: str = "") -> DeepLink:
    """The counterpart of ``path?query#fragment`` for the tenant ``tid`` (UUID text or empty).

    ``path`` and ``query`` are as they stand in the address (percent-encoded); a leading
    ``?`` or ``#`` is tolerated. Never raises: what nothing matches has no counterpart.
    """
    query = query.removeprefix("?")
    fragment = fragment.removeprefix("#")
    if fragment.startswith(("/", "!/")) or _ENCODED_SLASH.match(fragment):
        route, own_query = _split(fragment)
        parameters = _joined(own_query, query)
        anchor = ""
    else:
        route, own_query = _split(path)
        parameters = _joined(own_query, query)
        anchor = f"#{_clean(fragment)}" if fragment else ""
    link = _look_up(route, parameters, tid)
    return DeepLink(link.target + anchor, link.counterpart, link.feature, link.route)


def route_template(link: DeepLink) -> str:
    """The route without ids, for counting: ``/alerts/*`` for every alert."""
    if link.feature == _USER_PAGE:
        return _USER_BY_ID
    return f"/{link.route}"


def counterpart_of(template: str) -> tuple[Counterpart, str]:
    """How well the destination answers the pages of a route template, and their feature name.

    ``template`` is from ``route_template``; the answer is that of every link it came from.
    """
    if template == _USER_BY_ID:
        return Counterpart.EXACT, _USER_PAGE
    link = destination_for(template)
    return link.counterpart, link.feature


def _split(address: str) -> tuple[str, str]:
    """Route and query of a hash route or path, with the traps of real links undone."""
    # Mailers and ticket systems encode the whole fragment, sometimes twice.
    for _ in range(2):
        if not _ENCODED_SLASH.match(address):
            break
        address = unquote(address)
    # Raw CEF logs escape "=" as "\=".
    address = address.replace("\\=", "=").removeprefix("!")
    route, _, query = address.partition("?")
    return route, query


def _joined(own: str, page: str) -> str:
    """The route's own parameters, then those of the page that it does not have itself."""
    if not page:
        return own
    names = {_name(match.group()) for match in _PARAMETER.finditer(own)}
    extra = [part.group() for part in _PARAMETER.finditer(page) if _name(part.group()) not in names]
    return "&".join([own, *extra] if own else extra)


def _name(parameter: str) -> str:
    return parameter.partition("=")[0]


def _look_up(route: str, parameters: str, tid: str) -> DeepLink:
    segments = [segment for segment in unquote(route).lower().split("/") if segment]
    for length in range(min(len(segments), _DEEPEST), 0, -1):
        row = ROUTES.get("/".join(segments[:length]))
        if row is not None:
            rest = [part for part in route.split("/") if part][length:]
            return _below(row, "/".join(segments[:length]), rest, parameters, tid)
    if segments:
        return DeepLink(_with_tid("/", parameters, tid), Counterpart.NONE, "", "*")
    return DeepLink(_address("/", parameters), Counterpart.EXACT, "Home", "")


def _below(row: Route, name: str, rest: list[str], parameters: str, tid: str) -> DeepLink:
    if row.query is Query.DROP:
        parameters = _only_tid(parameters)
    else:
        parameters = _without(parameters, row.dropped)
    if not rest:
        return DeepLink(_address(row.target, parameters), row.counterpart, row.feature, name)
    special = _ITEMS.get(name)
    if special is not None:
        return special(row, rest, parameters, tid)
    nearest = Counterpart.NEAREST if row.counterpart is Counterpart.EXACT else row.counterpart
    return DeepLink(_address(row.target, parameters), nearest, row.feature, f"{name}/*")


def _one_alert(row: Route, rest: list[str], parameters: str, tid: str) -> DeepLink:
    # Alert ids differ on both sides, so one alert leads to the queue (facts on the portals).
    return DeepLink(
        _with_tid(row.target, parameters, tid), Counterpart.NEAREST, "One alert", "alerts/*"
    )


def _one_user(row: Route, rest: list[str], parameters: str, tid: str) -> DeepLink:
    object_id = _object_id(rest)
    if object_id is None:
        return DeepLink(
            _with_tid(row.target, parameters, tid), Counterpart.NEAREST, "One user", "users/*"
        )
    parameters = _joined(f"aad={object_id}", parameters)
    return DeepLink(_with_tid("/user/", parameters, tid), Counterpart.EXACT, _USER_PAGE, "users/*")


_ITEMS: dict[str, Callable[[Route, list[str], str, str], DeepLink]] = {
    "alerts": _one_alert,
    "users": _one_user,
}


def _object_id(rest: list[str]) -> str | None:
    """The directory object id inside the base64 of JSON that names a user, or None."""
    # The base64 alphabet has a slash, so the id may have been split.
    text = unquote("/".join(rest)).replace("-", "+").replace("_", "/").rstrip("=")
    try:
        document = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), validate=True))
        return str(UUID(document["id"]))
    except (binascii.Error, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def _with_tid(target: str, parameters: str, tid: str) -> str:
    return _address(target, _joined(parameters, f"tid={tid}" if tid else ""))


def _only_tid(parameters: str) -> str:
    return "&".join(
        part.group() for part in _PARAMETER.finditer(parameters) if _name(part.group()) == "tid"
    )


def _without(parameters: str, dropped: frozenset[tuple[str, str]]) -> str:
    if not dropped:
        return parameters
    return "&".join(
        part.group()
        for part in _PARAMETER.finditer(parameters)
        if not dropped.intersection(parse_qsl(part.group(), keep_blank_values=True))
    )


def _address(target: str, parameters: str) -> str:
    path, _, own = target.partition("?")
    parameters = _joined(own, parameters)
    return f"{path}?{_clean(parameters)}" if parameters else path


def _clean(text: str) -> str:
    return quote(text, safe=_UNCHANGED, errors="replace")
