"""The old address of a new page: the rules read backwards. Pure.

Every answer is tried: only a legacy link that really leads to the page asked about counts, by
the same mapping that answers visits. What a rule drops cannot be restored.
"""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import parse_qsl, unquote_plus
from uuid import UUID

from redirection.deep_links import Counterpart, DeepLink, destination_for
from redirection.link_parts import joined, name_of, parameters_of
from redirection.link_rule_queries import NotAnInstruction, query_handling
from redirection.link_rules import Kind, LinkRule, Part
from redirection.routes import ROUTES, Query
from redirection.rule_sets import NO_RULES, RuleSet

_REST = "{rest}"
_USER_PATH = "/user/"
# What the legacy portal wrote into the link of a user of the directory.
_DIRECTORY = {"saas": 11161, "inst": 0}
# Pages of one item have lost their id on the way: they lead to the list.
_LOST_ITEMS = {"/alerts": "/alerts/*", "/identities": "/users/*"}


class Back(StrEnum):
    """How far the way back leads.

    ``SAME``: to the same page with the same parameters. ``WITHOUT_PARAMETERS``: to the page,
    without parameters that mean nothing there. ``NONE``: no legacy page leads here.
    """

    SAME = "same"
    WITHOUT_PARAMETERS = "without_parameters"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class WayBack:
    """The legacy page of a destination page.

    ``link`` is path, query and fragment on the legacy host, such as ``/#/audits?x=1``, and
    empty where there is none. ``left_out`` are the names of parameters that do not go
    back, ``also`` the templates of other legacy pages that lead to the same place, and
    ``dropped`` says that the way here drops the filters of a link, so that they are gone.
    """

    back: Back
    link: str = ""
    left_out: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    dropped: bool = False


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A legacy page that may be it: its route, and the parameters to bring along."""

    route: str
    parameters: str
    fixed: int
    dropped: bool = False
    in_path: bool = False


def legacy_for(
    path: str,
    query: str = "",
    *,
    rules: RuleSet = NO_RULES,
    cloud: str = "",
    operator_rules: Iterable[LinkRule] = (),
) -> WayBack:
    """The legacy page that leads to ``path?query`` of the destination. Never raises.

    ``rules`` and ``cloud`` are as for ``destination_for``; ``operator_rules`` are those among
    them that may lead here (patterns cannot be read backwards).
    """
    candidates = [*_by_rules(path, query, operator_rules), *_by_table(path, query)]
    # The more of the address belongs to the page itself, the better it fits.
    candidates.sort(key=lambda one: -one.fixed)
    nearest: _Candidate | None = None
    for counterparts in ((Counterpart.EXACT,), (Counterpart.NEAREST, Counterpart.NONE)):
        for one in candidates:
            link = _tried(one, one.parameters, rules, cloud)
            if link.counterpart not in counterparts:
                continue
            if _is_same(link.target, path, query):
                return _found(one, one.parameters, candidates, rules, cloud, path)
            bare = _tried(one, "", rules, cloud)
            if nearest is None and bare.target.partition("?")[0] == path:
                nearest = one
    if nearest is None:
        return WayBack(Back.NONE)
    return _found(nearest, "", candidates, rules, cloud, path)


def _found(
    one: _Candidate,
    parameters: str,
    candidates: list[_Candidate],
    rules: RuleSet,
    cloud: str,
    path: str,
) -> WayBack:
    lost = () if parameters == one.parameters else tuple(parameters_of(one.parameters))
    others = {
        other.route: None
        for other in candidates
        if other.route != one.route
        and _tried(other, other.parameters, rules, cloud).target.partition("?")[0] == path
        and other.fixed == one.fixed
    }
    also = [route or "/" for route in others]
    if one.fixed == 0 and path in _LOST_ITEMS:
        also.append(_LOST_ITEMS[path])
    return WayBack(
        back=Back.WITHOUT_PARAMETERS if lost else Back.SAME,
        link=_link(one, parameters),
        left_out=tuple(dict.fromkeys(name_of(parameter) for parameter in lost)),
        also=tuple(also),
        dropped=one.dropped,
    )


def _by_table(path: str, query: str) -> Iterator[_Candidate]:
    if path == "/":
        yield _Candidate("", query, 0)
    if path == _USER_PATH and (user := _user(query)) is not None:
        yield _Candidate(f"/users/{user}", _without(query, {"aad"}), 1)
    for name, row in ROUTES.items():
        target, _, own = row.target.partition("?")
        if target != path or row.counterpart is Counterpart.NONE:
            continue
        rest = _minus(query, own)
        if rest is not None:
            fixed = len(parse_qsl(own, keep_blank_values=True))
            yield _Candidate(f"/{name}", rest, fixed, row.query is Query.DROP)


def _by_rules(path: str, query: str, operator_rules: Iterable[LinkRule]) -> Iterator[_Candidate]:
    for rule in operator_rules:
        target, _, own = rule.target.partition("#")[0].partition("?")
        if rule.is_alias or not rule.enabled or rule.kind == Kind.PATTERN:
            continue
        route = _source_of(rule, target, path)
        try:
            handling = query_handling(rule.query)
        except NotAnInstruction:
            continue
        rest = _minus(query, joined(own, "&".join(handling.added)))
        if route is None or rest is None:
            continue
        old = {new: name for name, new in handling.renamed.items()}
        parameters = "&".join(
            old.get(name_of(one), name_of(one)) + one[len(name_of(one)) :]
            for one in parameters_of(rest)
        )
        in_path = rule.part == Part.PATH
        # An operator's word comes before the table's.
        yield _Candidate(route, parameters, len(parse_qsl(own)) + 1, handling.drop_all, in_path)


def _source_of(rule: LinkRule, target: str, path: str) -> str | None:
    """The legacy route that ``rule`` turns into ``path``; None where it does not."""
    if rule.kind == Kind.PREFIX and target.endswith(_REST):
        start = target.removesuffix(_REST)
        if not path.startswith(start):
            return None
        rest = path.removeprefix(start).strip("/")
        return f"{rule.source}/{rest}" if rest else rule.source
    return rule.source if target == path else None


def _link(one: _Candidate, parameters: str) -> str:
    address = f"{one.route}?{parameters}" if parameters else one.route
    if one.in_path:
        return address
    # The start page has no route.
    return f"/#{address}" if one.route else f"/{address}"


def _tried(one: _Candidate, parameters: str, rules: RuleSet, cloud: str) -> DeepLink:
    address, _, fragment = _link(one, parameters).partition("#")
    path, _, query = address.partition("?")
    return destination_for(path, query, fragment, rules=rules, cloud=cloud)


def _is_same(target: str, path: str, query: str) -> bool:
    """Whether both are one page: the order of parameters means nothing."""
    found, _, own = target.partition("#")[0].partition("?")
    return found == path and _pairs(own) == _pairs(query)


def _pairs(query: str) -> Counter[tuple[str, str]]:
    return Counter(parse_qsl(query, keep_blank_values=True))


def _minus(query: str, own: str) -> str | None:
    """``query`` without the parameters ``own``; None where it does not have them all."""
    wanted = _pairs(own)
    rest = []
    for parameter in parameters_of(query):
        name, _, value = parameter.partition("=")
        pair = unquote_plus(name), unquote_plus(value)
        if wanted[pair] > 0:
            wanted[pair] -= 1
        else:
            rest.append(parameter)
    return None if wanted.total() else "&".join(rest)


def _without(query: str, names: set[str]) -> str:
    return "&".join(one for one in parameters_of(query) if name_of(one) not in names)


def _user(query: str) -> str | None:
    """The last segment of a user's legacy link, for the directory object in ``query``."""
    found = dict(parse_qsl(query)).get("aad", "")
    try:
        document = {"id": str(UUID(found)), **_DIRECTORY}
    except ValueError:
        return None
    return base64.b64encode(json.dumps(document).encode()).decode()
