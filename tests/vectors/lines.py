"""How a conformance vector is written down: a request, and what is expected of it."""

from __future__ import annotations

from typing import Any

from tests.vectors.worlds import DESTINATION, REVISIONS, TIDS, Json

PAGE = {
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Sec-Fetch-Dest": "document",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Site": "none",
    "Sec-Fetch-User": "?1",
}
HOST = "contoso.portal.localhost"
# Decisions that no tenant's revision goes with, and no page shows.
SILENT = (
    "not_legacy", "exempt", "not_page_load", "nothing_known", "unknown_tenant", "bad_target",
)  # fmt: skip


def line(
    name: str,
    answer: str,
    reason: str,
    *,
    target: str = "/audits",
    method: str = "GET",
    host: str = HOST,
    headers: dict[str, str] = PAGE,
    cookies: tuple[Json, ...] = (),
    who: str = "contoso",
    location: str | None = None,
    sets: dict[str, Any] | None = None,
    form: bool = False,
    world: str = "main",
    still: bool = False,
) -> Json:
    """One vector. ``who`` is the tenant; ``sets`` the cookies of the answer, by name.

    ``still``: a millisecond later it would come out differently.
    """
    stale = ";stale" if world == "stale" else ""
    silent = reason in SILENT
    decision = None if silent else f"{reason};revision={REVISIONS[who]}{stale}"
    session = any(isinstance(value, list) for value in (sets or {}).values())
    gate = {"go": 302, "lead_on": 302, "refuse": 403}.get(answer, 204)
    shown = ["private", "no-cache"] if not silent else ["private"] if session else []
    return {
        "name": name,
        "world": world,
        "clock": "still" if still else "runs",
        "request": {
            "method": method,
            "host": host,
            "target": target,
            "headers": headers,
            "cookies": list(cookies),
        },
        "expect": {
            "answer": answer,
            "reason": reason,
            "decision": decision,
            "location": location,
            "cache_control": shown if answer == "stay" else ["no-store"],
            "cookies": sets or {},
            "form_cookie": form,
            "gate": 503 if reason == "nothing_known" else gate,
        },
    }


def goes(name: str, location: str = "/cloudapps/activity-log", **more: Any) -> Json:
    """A redirect; ``location`` is a path on the destination origin, or a whole address."""
    reason = more.pop("reason", "new_session")
    address = location if "://" in location else f"{DESTINATION}{location}"
    more.setdefault("sets", remembered(more))
    return line(name, "go", reason, location=address, **more)


def stays(name: str, reason: str, **more: Any) -> Json:
    """The portal answers; a page of a known tenant is remembered."""
    if reason not in SILENT:
        more["sets"] = remembered(more) | more.get("sets", {})
    return line(name, "stay", reason, **more)


def unread(found: Json, reason: str = "cookies_unreadable", **more: Any) -> Json:
    """A vector that stays, and writes nothing, where the server hands over ASCII only."""
    expected = line("", "stay", reason, world=found["world"], **more)["expect"]
    return found | {"expect_ascii": expected}


def remembered(more: dict[str, Any]) -> dict[str, Any]:
    """The cookie that remembers the tenant, unless the browser brings it along."""
    tid = TIDS[more.get("who", "contoso")]
    if {"tenant": tid} in more.get("cookies", ()):
        return {}
    return {f"{'__Secure-' if more.get('world') == 'secure' else ''}legacy_tenant": tid}


def hand_over(address: str = "", who: str = "contoso", claim: bool = True) -> str:
    """Path and query of the hand-over page; ``address`` is encoded as it stands there."""
    return f"/redirection/hand-over?tid={TIDS[who]}&from={address or '/'}" + "&counted=*" * claim


def session_name(who: str, prefix: str = "") -> str:
    return f"{prefix}legacy_session_{TIDS[who].replace('-', '')}"


def session(who: str = "contoso", started: int = 0, seen: int = 0, **more: Any) -> Json:
    """A legacy session; its moments in milliseconds from the request."""
    return {"session": TIDS[who], "started": started, "seen": seen} | more


def tenant(who: str = "contoso") -> Json:
    return {"tenant": TIDS[who]}


def begins(who: str = "contoso") -> dict[str, Any]:
    """The cookie of a session that begins with the request."""
    return {session_name(who): [0, 0]}
