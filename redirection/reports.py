"""Each worker reports which revision it serves, behind the request.

One thread beside the one that refreshes the settings, so that a slow write delays no refresh.
It reports at once when the revision served or its staleness changes, else every
``REDIRECTION_REPORT`` seconds. All its access to the store, the last words at the end of the
process included, happens in this thread: a store that hangs holds up nobody for long.
"""

from __future__ import annotations

import atexit
import logging
import multiprocessing.util
import os
import socket
import threading
import time
from collections.abc import Callable
from datetime import datetime
from uuid import UUID, uuid4

from django.db import DatabaseError, close_old_connections, connection
from django.utils import timezone

from redirection import refusals, rule_uses, switches, traffic, unmatched
from redirection.conf import conf
from redirection.forks import Work

logger = logging.getLogger(__name__)

# An end waits this long (seconds) for the last words; then the receipt turns stale instead.
_LAST_WORDS = 3.0
_CLEAN_EVERY = 600.0
_work = Work()


class _Reporter:
    """The reports of one process, from its start or its fork to its end."""

    def __init__(self) -> None:
        self.worker: UUID = uuid4()
        self.started_at: datetime = timezone.now()
        self.ending = False
        self.failing: set[str] = set()
        self.clean_at = time.monotonic() + _CLEAN_EVERY
        self.thread = threading.Thread(target=self._keep_reporting, name="reports", daemon=True)

    def report(self) -> None:
        """Write the receipt of what is served now."""
        from redirection.models import Receipt  # models need the app registry

        held = switches.held()
        Receipt.objects.report(
            self.worker,
            host=socket.gethostname(),
            pid=os.getpid(),
            started_at=self.started_at,
            revision=held.revision,
            is_stale=switches.is_stale() or not held.loaded,
            steps=held.steps,
        )

    def end(self) -> None:
        """Let the thread write its last words and withdraw the receipt; wait for it shortly."""
        self.ending = True
        switches.moved.set()
        if self.thread.is_alive():
            self.thread.join(_LAST_WORDS)

    def _keep_reporting(self) -> None:
        next_report = 0.0
        while not self.ending:
            self._try(self.report)
            if time.monotonic() >= next_report:
                next_report = time.monotonic() + conf().report
                self._write()
                self._try(self._clean)
            switches.moved.wait(max(0.0, next_report - time.monotonic()))
            switches.moved.clear()
        self._write()
        self._try(self._withdraw)
        connection.close()

    def _write(self) -> None:
        steps = (
            traffic.write, unmatched.write_unmatched, rule_uses.write_uses,
            refusals.write_refusals,
        )  # fmt: skip
        for step in steps:
            self._try(step)

    def _withdraw(self) -> None:
        from redirection.models import Receipt

        Receipt.objects.withdraw(self.worker)

    def _clean(self) -> None:
        from redirection.models import Receipt

        if time.monotonic() >= self.clean_at:
            self.clean_at = time.monotonic() + _CLEAN_EVERY
            Receipt.objects.forget_old()

    def _try(self, step: Callable[[], None]) -> None:
        """Do one step; the thread must outlive whatever goes wrong in it."""
        name = step.__name__.strip("_")
        try:
            with _work:
                close_old_connections()
                step()
            self.failing.discard(name)
        except Exception as error:
            # Once, and not every few seconds, until it works again.
            if name not in self.failing:
                unexpected = not isinstance(error, DatabaseError)
                logger.warning("Reports: %s failed: %s", name, error, exc_info=unexpected)
            self.failing.add(name)
            connection.close()


_reporter: _Reporter | None = None


def start() -> None:
    """Report from now on, in a thread of this process and of every child, until the end.

    For a process that serves requests; a command has nothing to report.
    """
    if conf().refresh <= 0 or _reporter is not None:
        return
    _begin()
    # A server's worker is often a child of multiprocessing, which ends without atexit.
    atexit.register(end)
    multiprocessing.util.Finalize(None, end, exitpriority=10)


def end() -> None:
    """The process ends: what was counted is written, and its receipt withdrawn."""
    global _reporter
    if _reporter is not None:
        _reporter.end()
        _reporter = None


def _begin() -> None:
    global _reporter
    _reporter = _Reporter()
    _reporter.thread.start()


def _after_fork() -> None:
    # Threads do not survive a fork, and a child is a worker of its own.
    if _reporter is not None:
        _begin()


os.register_at_fork(after_in_child=_after_fork)
