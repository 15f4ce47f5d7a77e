"""One page load, counted by its link: for the operator and for the rule, beside the tenant."""

from __future__ import annotations

from redirection import rule_uses, switches, traffic, unmatched
from redirection.deep_links import UNKNOWN_PAGE, DeepLink, route_template
from redirection.traffic import Answer
from redirection.unmatched import template_unmatched


def route_at_first(link: DeepLink) -> str:
    """The route template a page load is counted under, from the link without its fragment.

    The start page is the shell of every page behind ``#``.
    """
    return route_template(link) if link.route else UNKNOWN_PAGE


def is_noted(link: DeepLink, unmatched_template: str) -> bool:
    """Whether a load of ``link`` counts for more than its tenant; ``note_load`` counts it then."""
    return bool(unmatched_template) or link.rule is not None or link.followed is not None


def note_load(link: DeepLink, unmatched_template: str, now: int, answer: Answer) -> None:
    """One page load whose counterpart is ``link``, as far as a server knows it.

    ``unmatched_template`` is what ``template_unmatched`` says of it.
    """
    unmatched.count(unmatched_template, now)
    if answer is Answer.REDIRECTED:
        rule_uses.note_link(link, now)


def told(tid: str, now: int, path: str, fragment: str, counted: Answer, answer: Answer) -> None:
    """The browser has told the ``fragment`` of a load of ``path`` that was ``counted``.

    ``answer`` is what the load got in the end.
    """
    held = switches.held()
    first, link = held.link(path, tid=tid), held.link(path, "", fragment, tid)
    traffic.move(tid, now, (route_at_first(first), counted), (route_template(link), answer))
    before = template_unmatched(first, path)
    unmatched.move(before, template_unmatched(link, path, fragment), now)
    if answer is Answer.REDIRECTED:
        rule_uses.note_link(link, now)


def told_uncounted(tid: str, now: int, path: str, fragment: str) -> None:
    """A load that was none for the legacy portal, such as an error, moved on all the same."""
    link = switches.held().link(path, "", fragment, tid)
    traffic.count(tid, now, route_template(link), Answer.REDIRECTED)
    unmatched.count(template_unmatched(link, path, fragment), now)
    rule_uses.note_link(link, now)
