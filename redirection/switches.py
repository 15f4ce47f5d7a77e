"""The settings of all tenants, held in memory and refreshed behind the request.

No request reads the store. A thread of each worker loads what changed since the revision it
holds: as soon as it hears of a change (pushes.py), and every ``REDIRECTION_REFRESH`` seconds.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from dataclasses import replace

from django.db import Error, close_old_connections, connection

from redirection import pushes
from redirection.conf import conf
from redirection.forks import Work
from redirection.held import NOTHING, STEPS, Held
from redirection.held_reading import newer

__all__ = [
    "NOTHING", "STEPS", "Held",
    "changed", "forget", "held", "held_now", "is_stale", "moved", "refresh", "start",
]  # fmt: skip

logger = logging.getLogger(__name__)

# Seconds without an answer of the store; a slow one is no reason to worry anybody.
_SILENT_AFTER = 3.0
# Seconds a start waits for the first answers to be right; then it lets requests through.
_FIRST_WAIT = 2.0
# Seconds between two refreshes at least: many changes at once are loaded together.
_GAP = 0.02

_held = NOTHING
# By the monotonic clock, moved on by every answer of the store.
_silent_from = 0.0
_refreshing = Work()
# Set whenever the revision served or its staleness has changed; whoever tells others clears it.
moved = threading.Event()
# Set when the store was asked for the first time, whatever it said.
_tried = threading.Event()
_thread: threading.Thread | None = None


def held() -> Held:
    """What this worker knows now. Never touches the store."""
    return _held


def held_now() -> Held:
    """What this worker knows now, with ``stale`` as ``is_stale`` says."""
    held = _held
    if held.stale or _thread is None or time.monotonic() <= _silent_from:
        return held
    return replace(held, stale=True)


def is_stale() -> bool:
    """Whether the store has failed, or has not answered for some seconds.

    A store that hangs raises nothing: only the time tells.
    """
    # Nobody refreshes in a command, and in a worker before its first request.
    return held_now().stale


def refresh() -> None:
    """Load what changed since the revision held. Keeps the last known state if the store fails."""
    global _held, _silent_from
    with _refreshing:
        before = _held
        try:
            after = newer(before)
            if after is not before:
                _held = after.served_after(before, time.time_ns() // 1_000_000)
            _silent_from = time.monotonic() + max(_SILENT_AFTER, 5 * conf().refresh)
        except Error as error:
            if not before.stale:
                logger.warning("Settings cannot be read, the last known ones stay: %s", error)
            _held = replace(before, stale=True)
        _tried.set()
        if (_held.revision, _held.stale) != (before.revision, before.stale):
            moved.set()


def changed() -> None:
    """This process has committed a change: a worker knows it at once, a command need not."""
    if _held.loaded:
        refresh()


def forget() -> None:
    """Back to the state before the first load."""
    global _held
    with _refreshing:
        _held = NOTHING


def start() -> None:
    """Keep refreshing in a thread of this process, and of every child.

    Returns when all was read once, or after a moment: very many tenants take longer.
    """
    if conf().refresh <= 0:
        return
    _start_thread()
    _tried.wait(_FIRST_WAIT)


def _keep_refreshing() -> None:
    listener: pushes.Listener | None = None
    while (seconds := conf().refresh) > 0:
        began = time.monotonic()
        try:
            close_old_connections()
            listener = listener or pushes.listener()
            # First, so that no change falls between reading and waiting.
            listener.listen()
            refresh()
            listener.wait(seconds)
        except Exception:  # The thread must outlive whatever goes wrong once.
            logger.exception("Settings could not be refreshed")
            connection.close()
            time.sleep(seconds)
        time.sleep(max(0.0, began + _GAP - time.monotonic()))


def _start_thread() -> None:
    global _thread
    if _thread is None or not _thread.is_alive():
        _thread = threading.Thread(target=_keep_refreshing, name="switches", daemon=True)
        _thread.start()


def _after_fork() -> None:
    global _thread, moved
    # Threads do not survive a fork, and this one's lock may have been held by one of them.
    moved = threading.Event()
    if _thread is not None:
        _thread = None
        _start_thread()


os.register_at_fork(after_in_child=_after_fork)
