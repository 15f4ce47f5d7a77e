"""Trying a link: what each kind of visitor would get, now and after the switch.

Pure, as the decision is: the facts of an imagined visit go through the same ``decide()``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from redirection.decisions import (
    Decision,
    Facts,
    LegacySession,
    Reason,
    Tenant,
    decide,
)
from redirection.request_classes import PageLoadHints, is_page_load

_PAGE_LOAD = PageLoadHints("GET", fetch_mode="navigate", fetch_dest="document")
_BACKGROUND_CALL = PageLoadHints("GET", fetch_mode="cors", fetch_dest="empty")


class Visitor(StrEnum):
    """A kind of visitor, or of request."""

    NEWCOMER = "newcomer"
    SESSION_RUNS = "session_runs"
    NEW_TAB = "new_tab"
    SESSION_ENDED = "session_ended"
    BACKGROUND_CALL = "background_call"
    EXEMPT_PATH = "exempt_path"


class Way(StrEnum):
    """What a visitor gets.

    ``BY_SCRIPT``: the decision is to stay, and the portal script of the page takes the tab on
    by way of the hand-over page. ``NOBODY``: no such visitor can be left.
    """

    STAYS = "stays"
    STRAIGHT = "straight"
    HAND_OVER = "hand_over"
    BY_SCRIPT = "by_script"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Answer:
    """What one visitor gets, with the decision's reason."""

    way: Way
    reason: Reason


@dataclass(frozen=True, slots=True)
class Link:
    """What the answers depend on beside the visitor.

    ``exempt``: the path is no page. ``hand_over``: whoever goes takes the hand-over page.
    ``destination``: an origin is configured for the tenant's cloud.
    """

    exempt: bool
    hand_over: bool
    destination: bool = True


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a legacy session runs without use, and at most; in milliseconds."""

    idle: int
    limit: int


def answers(tenant: Tenant, link: Link, limits: Limits, now: int) -> dict[Visitor, Answer]:
    """What each visitor of ``tenant`` gets who asks for ``link`` at ``now`` (milliseconds)."""
    return {visitor: _answer(visitor, tenant, link, limits, now) for visitor in Visitor}


def switched(tenant: Tenant, now: int) -> Tenant:
    """``tenant`` as it would be, had somebody switched redirection at ``now``."""
    return replace(tenant, on=not tenant.on, since=now)


def _answer(visitor: Visitor, tenant: Tenant, link: Link, limits: Limits, now: int) -> Answer:
    session = _session(visitor, tenant, limits, now)
    runs = session is not None and session.is_running(now, limits.idle, limits.limit)
    hints = _BACKGROUND_CALL if visitor is Visitor.BACKGROUND_CALL else _PAGE_LOAD
    decision = decide(
        Facts(
            legacy=True,
            exempt=link.exempt or visitor is Visitor.EXEMPT_PATH,
            page_load=is_page_load(hints),
            tenant=tenant,
            destination=link.destination,
            session=session,
            session_runs=runs,
        )
    )
    return Answer(_way(visitor, decision, link), decision.reason)


def _session(visitor: Visitor, tenant: Tenant, limits: Limits, now: int) -> LegacySession | None:
    """The session this visitor brings: one from before the switch, seen just now or long ago."""
    if visitor is Visitor.NEWCOMER:
        return None
    seen = now - limits.idle - 1 if visitor is Visitor.SESSION_ENDED else now
    return LegacySession(tenant.tid, tenant.since - 1, seen)


def _way(visitor: Visitor, decision: Decision, link: Link) -> Way:
    at_work = visitor in (Visitor.SESSION_RUNS, Visitor.NEW_TAB)
    if at_work and decision.reason is Reason.SESSION_ENDED:
        # The switch is longer ago than a session lasts.
        return Way.NOBODY
    if visitor is Visitor.NEW_TAB and decision.reason is Reason.SESSION_CONTINUES:
        return Way.BY_SCRIPT
    if not decision.go:
        return Way.STAYS
    return Way.HAND_OVER if link.hand_over else Way.STRAIGHT
