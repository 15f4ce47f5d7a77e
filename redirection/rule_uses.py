"""When each deep link rule was last used: noted in memory, written behind the requests.

The last day is all that is kept; who followed which link is not.
"""

from __future__ import annotations

import os
import threading
from datetime import date

from redirection.deep_links import DeepLink

# Rules: so many are held, the limit of an import and more.
MOST_RULES = 250_000
_DAY = 86_400_000
_EPOCH = date(1970, 1, 1).toordinal()

_lock = threading.Lock()
# Rule number, then the day since the epoch; those noted now, and those written before.
_waiting: dict[int, int] = {}
_written: dict[int, int] = {}


def note(rule: int | None, now: int) -> None:
    """A link was answered by ``rule`` (None: by the table) at ``now``, in milliseconds."""
    if rule is None:
        return
    day = now // _DAY
    # Most uses of a day say nothing new.
    if _written.get(rule) == day or _waiting.get(rule) == day:
        return
    with _lock:
        if len(_waiting) < MOST_RULES:
            _waiting[rule] = day


def note_link(link: DeepLink, now: int) -> None:
    """``link`` was followed at ``now``: its rule was used, and the one an alias leads through."""
    note(link.rule, now)
    note(link.followed, now)


def write_uses() -> None:
    """Write what was noted since. Raises DatabaseError; then it is kept for the next call."""
    global _waiting
    with _lock:
        taken, _waiting = _waiting, {}
    if not taken:
        return
    from redirection.models import DeepLinkRuleUse  # models need the app registry

    try:
        DeepLinkRuleUse.objects.note(
            {number: date.fromordinal(_EPOCH + day) for number, day in taken.items()}
        )
    except Exception:
        with _lock:
            _waiting = taken | _waiting
        raise
    if len(_written) + len(taken) > MOST_RULES:
        _written.clear()
    _written.update(taken)


def forget() -> None:
    """Back to the state of a process that has just started."""
    global _lock
    # A lock may have been held by a thread that a forked child does not have.
    _lock = threading.Lock()
    _waiting.clear()
    _written.clear()


os.register_at_fork(after_in_child=forget)
