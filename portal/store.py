"""How the site talks to its store."""

from __future__ import annotations

from typing import Any


def with_options(database: dict[str, Any]) -> dict[str, Any]:
    """A ``DATABASES`` entry, as read from an address, with what this site needs of it."""
    if database["ENGINE"].endswith("sqlite3"):
        options: dict[str, Any] = {
            # Readers never wait for a writer; an acknowledged change survives a power cut.
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
            # Two writers queue instead of failing in the middle of a transaction.
            "transaction_mode": "IMMEDIATE",
            "timeout": 5,
        }
        return {**database, "OPTIONS": options}
    options = {"connect_timeout": 3, **database.get("OPTIONS", {})}
    return {**database, "CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True, "OPTIONS": options}
