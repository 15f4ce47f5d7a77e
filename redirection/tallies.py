"""How often something happened, where too often must cost the process little."""

from __future__ import annotations

import math
import threading
import time
from collections import Counter


class Tally:
    """How often something happened for each key within the last ``seconds`` or less.

    In memory, because what it bounds is the work of this process. Nothing is held longer.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self.forget()
        _all.append(self)

    def forget(self) -> None:
        with self._lock:
            self._numbers: Counter[str] = Counter()
            # The next one begins the time.
            self._ends = 0.0

    def note(self, key: str) -> int:
        """Count once more; says the new number."""
        with self._lock:
            now = time.monotonic()
            if now >= self._ends:
                self._numbers.clear()
                self._ends = now + self._seconds
            self._numbers[key] += 1
            return self._numbers[key]

    def number(self, key: str) -> int:
        with self._lock:
            return self._numbers[key] if time.monotonic() < self._ends else 0

    def total(self) -> int:
        """All keys together."""
        with self._lock:
            return self._numbers.total() if time.monotonic() < self._ends else 0

    def wait(self) -> int:
        """Seconds until everything is counted anew."""
        return max(1, math.ceil(self._ends - time.monotonic()))


_all: list[Tally] = []


def forget() -> None:
    """As in a process in which nothing has happened."""
    for tally in _all:
        tally.forget()
