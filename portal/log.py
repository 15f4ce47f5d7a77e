"""What the site writes to standard error."""

from __future__ import annotations

import logging
from typing import Any


class NoTracebackForRefusals(logging.Filter):
    """A request that was refused is one line: nothing is broken that a traceback would explain."""

    def filter(self, record: logging.LogRecord) -> bool:
        if getattr(record, "status_code", 500) < 500:
            record.exc_info = None
        return True


def one_line_each(level: str) -> dict[str, Any]:
    """Django's ``LOGGING``: everything from ``level`` on, with time, level and logger."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"refusals": {"()": NoTracebackForRefusals}},
        "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "formatter": "line",
                "filters": ["refusals"],
                # Django's own loggers have levels of their own, so the root's is not enough.
                "level": level,
            }
        },
        "root": {"handlers": ["stderr"], "level": level},
    }
