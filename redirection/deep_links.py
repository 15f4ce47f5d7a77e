"""Where a legacy page lives in the destination portal. The one place that maps.

A legacy page link is ``/#/<route>?<query>``, with the filters inside the fragment; some
links carry the route as a path. Both ask the operator's rules first, then the same table.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, unquote
from uuid import UUID

from redirection.link_parts import (
    address,
    clean,
    is_route,
    joined,
    name_of,
    parameters_of,
    split,
)
from redirection.link_rule_queries import query_handling
from redirection.link_rules import Part, filled
from redirection.routes import ROUTES, Counterpart, Query, Route
from redirection.rule_sets import NO_RULES, Found, RuleSet

__all__ = [
    "UNKNOWN_PAGE",
    "Counterpart",
    "DeepLink",
    "counterpart_of",
    "destination_for",
    "is_unmatched",
    "route_template",
]

# In the place of a route template: the page stands behind "#", and the browser has not told.
UNKNOWN_PAGE = "?"

# Deeper than this no route of the table lies.
_DEEPEST = max(route.count("/") for route in ROUTES) + 1
_WORST_LAST = (Counterpart.EXACT, Counterpart.NEAREST, Counterpart.NONE)
# Only a user whose link names a directory object has a page over there.
_USER_PAGE = "User page"
_USER_BY_ID = "/users/{id}"
# The first page of the table at a path names it.
_FEATURES = {row.target: row.feature for row in reversed(ROUTES.values()) if "?" not in row.target}


@dataclass(frozen=True, slots=True)
class DeepLink:
    """The counterpart of a legacy page.

    ``target`` is path and query on the destination origin, always starting with a single
    slash, and a fragment where there is one; ``feature`` names the page, empty where nobody
    has named it; ``route`` is the table's row, or words of the source where a rule of the
    operator won: never anything personal. ``rule`` is the number of that rule, else None;
    ``followed`` that of a second one, where the first is an alias.
    """

    target: str
    counterpart: Counterpart
    feature: str
    route: str
    rule: int | None = None
    followed: int | None = None


def destination_for(
    path: str,
    query: str = "",
    fragment: str = "",
    tid: str = "",
    rules: RuleSet = NO_RULES,
    cloud: str = "",
) -> DeepLink:
    """The counterpart of ``path?query#fragment`` for the tenant ``tid`` (UUID text or empty).

    ``path`` and ``query`` are as they stand in the address (percent-encoded); a leading
    ``?`` or ``#`` is tolerated. ``rules`` of the operator, those for ``cloud`` (its key) and
    those for all, are asked before the table. Never raises: what nothing matches has no
    counterpart.
    """
    query = query.removeprefix("?")
    fragment = fragment.removeprefix("#")
    in_fragment = is_route(fragment)
    route, own_query = split(fragment if in_fragment else path)
    parameters = joined(own_query, query)
    part = Part.FRAGMENT if in_fragment else Part.PATH
    link = _by_rule(route, parameters, tid, part, rules, cloud) or _look_up(route, parameters, tid)
    if in_fragment or not fragment or "#" in link.target:
        return link
    return replace(link, target=f"{link.target}#{clean(fragment)}")


def route_template(link: DeepLink) -> str:
    """The route without ids, for counting: ``/alerts/*`` for every alert.

    Behind a page that a rule of the operator maps stands how well it is answered:
    ``/reports/* nearest``.
    """
    if link.rule is not None:
        return f"/{link.route} {link.counterpart}"
    if link.feature == _USER_PAGE:
        return _USER_BY_ID
    return f"/{link.route}"


def counterpart_of(template: str) -> tuple[Counterpart, str]:
    """How well the destination answers the pages of a route template, and their feature name.

    ``template`` is from ``route_template``; the answer is that of every link it came from.
    """
    if template == _USER_BY_ID:
        return Counterpart.EXACT, _USER_PAGE
    page, _, counterpart = template.partition(" ")
    link = destination_for(page)
    return (Counterpart(counterpart), "") if counterpart else (link.counterpart, link.feature)


def is_unmatched(link: DeepLink) -> bool:
    """Whether neither a rule nor a row was made for the page, or it has no counterpart."""
    if link.rule is not None:
        return False
    name, below, _ = link.route.rpartition("/*")
    return link.counterpart is Counterpart.NONE or (bool(below) and name not in _ITEMS)


def _by_rule(
    route: str, parameters: str, tid: str, part: Part, rules: RuleSet, cloud: str
) -> DeepLink | None:
    for found in rules.matches(route, part, cloud):
        target = filled(found.target, found.captures, found.rest)
        if target is None:
            continue
        kept = query_handling(found.query).applied(parameters)
        link = _page(found, target, kept)
        if found.is_alias:
            alias, own = split(target.removeprefix("#"))
            link = _alias(alias, joined(own, kept), tid, rules, cloud)
            worst = max(link.counterpart, Counterpart(found.counterpart), key=_WORST_LAST.index)
            link = replace(link, counterpart=worst, followed=link.rule)
        # Where the operator says that there is none, the nearest place is not that feature.
        feature = "" if found.counterpart == Counterpart.NONE else link.feature
        return replace(link, feature=feature, route=found.template, rule=found.number)
    return None


def _alias(route: str, parameters: str, tid: str, rules: RuleSet, cloud: str) -> DeepLink:
    """Where another legacy route leads; an alias of an alias is not followed any further."""
    for found in rules.matches(route, Part.FRAGMENT, cloud):
        if found.is_alias:
            break
        target = filled(found.target, found.captures, found.rest)
        if target is not None:
            return _page(found, target, query_handling(found.query).applied(parameters))
    return _look_up(route, parameters, tid)


def _page(found: Found, target: str, parameters: str) -> DeepLink:
    page, mark, anchor = target.partition("#")
    path = page.partition("?")[0]
    arrived = clean(path) + address(page, parameters)[len(path) :]
    place = f"#{clean(anchor)}" if mark and anchor else ""
    feature = _FEATURES.get(path, "")
    return DeepLink(arrived + place, Counterpart(found.counterpart), feature, "", found.number)


def _look_up(route: str, parameters: str, tid: str) -> DeepLink:
    segments = [segment for segment in unquote(route).lower().split("/") if segment]
    for length in range(min(len(segments), _DEEPEST), 0, -1):
        row = ROUTES.get("/".join(segments[:length]))
        if row is not None:
            rest = [part for part in route.split("/") if part][length:]
            return _below(row, "/".join(segments[:length]), rest, parameters, tid)
    if segments:
        return DeepLink(_with_tid("/", parameters, tid), Counterpart.NONE, "", "*")
    return DeepLink(address("/", parameters), Counterpart.EXACT, "Home", "")


def _below(row: Route, name: str, rest: list[str], parameters: str, tid: str) -> DeepLink:
    if row.query is Query.DROP:
        parameters = _only_tid(parameters)
    else:
        parameters = _without(parameters, row.dropped)
    if not rest:
        return DeepLink(address(row.target, parameters), row.counterpart, row.feature, name)
    special = _ITEMS.get(name)
    if special is not None:
        return special(row, rest, parameters, tid)
    nearest = Counterpart.NEAREST if row.counterpart is Counterpart.EXACT else row.counterpart
    return DeepLink(address(row.target, parameters), nearest, row.feature, f"{name}/*")


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
    parameters = joined(f"aad={object_id}", parameters)
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
    return address(target, joined(parameters, f"tid={tid}" if tid else ""))


def _only_tid(parameters: str) -> str:
    return "&".join(part for part in parameters_of(parameters) if name_of(part) == "tid")


def _without(parameters: str, dropped: frozenset[tuple[str, str]]) -> str:
    if not dropped:
        return parameters
    return "&".join(
        part
        for part in parameters_of(parameters)
        if not dropped.intersection(parse_qsl(part, keep_blank_values=True))
    )
