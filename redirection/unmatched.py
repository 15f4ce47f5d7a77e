"""Legacy links nothing matches, counted over all tenants by template, behind the requests.

Operators see from them which rules are missing. What a template keeps of an address is in
``link_templates.py``; nothing of it is personal (promise 11).
"""

from __future__ import annotations

import os
import threading
from datetime import date

from redirection.deep_links import DeepLink, is_unmatched
from redirection.link_templates import REST, template_of_address

# So many are held apart until they are written; what goes beyond is counted together.
MOST_TEMPLATES = 2_000
_DAY = 86_400_000
_EPOCH = date(1970, 1, 1).toordinal()

_lock = threading.Lock()
# Template and day since the epoch, then page loads.
_loads: dict[tuple[str, int], int] = {}


def template_unmatched(link: DeepLink, path: str, fragment: str = "") -> str:
    """The template under which ``link``, of that address, is counted; empty if it is matched."""
    return template_of_address(path, fragment) if is_unmatched(link) else ""


def count(template: str, now: int, change: int = 1) -> None:
    """One load of a page of ``template`` (empty: of a page that is matched) at ``now`` (ms)."""
    if not template:
        return
    key = (template, now // _DAY)
    with _lock:
        if key not in _loads and len(_loads) >= MOST_TEMPLATES:
            key = (REST, key[1])
        _loads[key] = _loads.get(key, 0) + change


def move(before: str, after: str, now: int) -> None:
    """The browser has told more about a load that was counted under ``before``."""
    if before != after:
        count(before, now, -1)
        count(after, now)


def write_unmatched() -> None:
    """Write what was counted since. Raises DatabaseError; then it is kept for the next call."""
    global _loads
    with _lock:
        taken, _loads = _loads, {}
    if not taken:
        return
    from redirection.models import UnmatchedLink  # models need the app registry

    try:
        UnmatchedLink.objects.add_loads(
            {
                (template, date.fromordinal(_EPOCH + day)): loads
                for (template, day), loads in taken.items()
            }
        )
    except Exception:
        for (template, day), loads in taken.items():
            count(template, day * _DAY, loads)
        raise


def forget() -> None:
    """Back to the state of a process that has just started."""
    global _lock
    # A lock may have been held by a thread that a forked child does not have.
    _lock = threading.Lock()
    _loads.clear()


os.register_at_fork(after_in_child=forget)
