"""The route template of the page a report is about, the same from both portals. Pure."""

from __future__ import annotations

from redirection.deep_links import destination_for, is_unmatched, route_template
from redirection.link_templates import template_of_address
from redirection.rule_sets import NO_RULES, RuleSet
from redirection.way_back import legacy_for

# As long as a route template of the counts.
ROUTE_LENGTH = 100


def route_of(page: str, *, on_legacy: bool, rules: RuleSet = NO_RULES, cloud: str = "") -> str:
    """The template of ``page`` (path, query and fragment), such as ``/alerts/*``; never an id.

    A page of the destination counts as the legacy page that leads to it, so that people who say
    the same from both portals are counted together, beside the page loads of that template.
    """
    path, _, fragment = page.partition("#")
    path, _, query = path.partition("?")
    if not on_legacy:
        link = legacy_for(path, query, rules=rules, cloud=cloud).link
        if not link:
            return template_of_address(path, "")[:ROUTE_LENGTH]
        path, _, fragment = link.partition("#")
        path, _, query = path.partition("?")
    link_there = destination_for(path, query, fragment, rules=rules, cloud=cloud)
    if is_unmatched(link_there):
        return template_of_address(path, fragment)[:ROUTE_LENGTH]
    return route_template(link_there)[:ROUTE_LENGTH]
