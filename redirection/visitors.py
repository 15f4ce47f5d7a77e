"""Kinds of visitors, as they can be imagined: what they send and which session they bring.

Pure. The decision about them is made elsewhere, by the code that decides about real visits.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from redirection.decisions import LegacySession, Tenant

_ANY_PAGE = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
# Long enough ago to be at work, short enough for every time-out.
_AT_WORK = 10_000


class Visitor(StrEnum):
    """Who, or what, asks."""

    NEW = "new"
    RUNNING = "running"
    NEW_TAB = "new-tab"
    ENDED = "ended"
    STEPPED_BACK = "stepped-back"
    OLD_BROWSER = "old-browser"
    BACKGROUND = "background"
    FORM = "form"
    IFRAME = "iframe"
    IMAGE = "image"
    PREFETCH = "prefetch"
    PRERENDER = "prerender"
    COMMAND_LINE = "command-line"


class Brings(StrEnum):
    """What a visitor brings along: a legacy session, or a step back for one task."""

    NONE = "none"
    RUNNING = "running"
    ENDED = "ended"
    STEP_BACK = "step_back"


@dataclass(frozen=True, slots=True)
class Kind:
    """What a kind of visitor sends: the method, headers by name, and its session."""

    method: str = "GET"
    headers: dict[str, str] = field(default_factory=dict)
    brings: Brings = Brings.NONE


def _fetch(mode: str, dest: str, accept: str = "*/*", **more: str) -> dict[str, str]:
    others = {name.replace("_", "-"): value for name, value in more.items()}
    return {"Sec-Fetch-Mode": mode, "Sec-Fetch-Dest": dest, "Accept": accept, **others}


_PAGE = _fetch("navigate", "document", _ANY_PAGE)

KINDS: dict[Visitor, Kind] = {
    Visitor.NEW: Kind(headers=_PAGE),
    Visitor.RUNNING: Kind(headers=_PAGE, brings=Brings.RUNNING),
    Visitor.NEW_TAB: Kind(headers=_PAGE, brings=Brings.RUNNING),
    Visitor.ENDED: Kind(headers=_PAGE, brings=Brings.ENDED),
    Visitor.STEPPED_BACK: Kind(headers=_PAGE, brings=Brings.STEP_BACK),
    Visitor.OLD_BROWSER: Kind(headers={"Accept": _ANY_PAGE}),
    Visitor.BACKGROUND: Kind(headers=_fetch("cors", "empty"), brings=Brings.RUNNING),
    Visitor.FORM: Kind("POST", _PAGE, Brings.RUNNING),
    Visitor.IFRAME: Kind(headers=_fetch("navigate", "iframe", _ANY_PAGE)),
    Visitor.IMAGE: Kind(headers=_fetch("no-cors", "image", "image/*,*/*;q=0.8")),
    Visitor.PREFETCH: Kind(headers=_PAGE | {"Sec-Purpose": "prefetch"}),
    Visitor.PRERENDER: Kind(headers=_PAGE | {"Sec-Purpose": "prefetch;prerender"}),
    Visitor.COMMAND_LINE: Kind(headers={"Accept": "*/*"}),
}


def session_of(visitor: Visitor, tenant: Tenant, now: int, idle: int) -> LegacySession | None:
    """The session ``visitor`` brings at ``now``; times and ``idle`` in milliseconds.

    While redirection is on it began just before the switch, because none begins after; while
    it is off it began a moment ago.
    """
    brings = KINDS[visitor].brings
    if brings not in (Brings.RUNNING, Brings.ENDED):
        return None
    seen = now - idle - 1 if brings is Brings.ENDED else now
    latest = tenant.since - 1 if tenant.on else now - _AT_WORK
    return LegacySession(tenant.tid, max(0, min(latest, seen)), max(0, seen))
