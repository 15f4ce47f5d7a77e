"""What the site writes to standard error."""

from __future__ import annotations

from typing import Any


def one_line_each(level: str) -> dict[str, Any]:
    """Django's ``LOGGING``: everything from ``level`` on, with time, level and logger."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "formatter": "line",
                # Django's own loggers have levels of their own, so the root's is not enough.
                "level": level,
            }
        },
        "root": {"handlers": ["stderr"], "level": level},
    }
