"""All tenants read again beside the refreshing, when very many have changed since they were."""

from __future__ import annotations

import logging
import threading

from django.db import connection

from redirection.forks import Work
from redirection.held_tenants import HeldTenants

logger = logging.getLogger(__name__)

_work = Work()


class Repacking:
    """One reading of all tenants, in a thread of its own: changes go on arriving meanwhile."""

    def __init__(self) -> None:
        # A revision, and the tenants as of that one or later.
        self.result: tuple[int, HeldTenants] | None = None
        self._thread: threading.Thread | None = None

    def begin(self, revision: int) -> None:
        """Read, unless that has begun already; what is read is not older than ``revision``."""
        if self._thread is None or not (self._thread.is_alive() or self.result):
            self._thread = threading.Thread(
                target=self._read, args=[revision], name="repacking", daemon=True
            )
            self._thread.start()

    def _read(self, revision: int) -> None:
        # Models need the app registry.
        from redirection.tenant_columns import read_tenants

        try:
            with _work:
                self.result = revision, read_tenants()
        except Exception:  # Next time, then; nothing depends on it but memory.
            logger.exception("Tenants could not be read again")
        finally:
            connection.close()
