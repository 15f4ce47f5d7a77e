"""When to log what may go wrong with every request: once a minute says enough."""

from __future__ import annotations

import time

_SECONDS = 60.0


class Rarely:
    """Says at most once a minute that a line is due."""

    def __init__(self) -> None:
        self._next = 0.0

    def is_due(self) -> bool:
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + _SECONDS
        return True
