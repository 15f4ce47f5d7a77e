"""Work of background threads that must not be under way while the process forks.

A child inherits the locks inside the store's library as they are at that moment, but not the
threads that would release them: it could wait for ever.
"""

from __future__ import annotations

import os
import threading
from types import TracebackType

# Seconds a fork waits for work under way; a store that hangs must not keep it from happening.
_LONGEST_WAIT = 3.0


class Work:
    """``with work:`` around each piece; a fork waits until none is under way."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held_for_fork = False
        os.register_at_fork(
            before=self._before, after_in_parent=self._after, after_in_child=self._in_child
        )

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._lock.release()

    def _before(self) -> None:
        self._held_for_fork = self._lock.acquire(timeout=_LONGEST_WAIT)

    def _after(self) -> None:
        if self._held_for_fork:
            self._lock.release()

    def _in_child(self) -> None:
        self._lock = threading.Lock()
