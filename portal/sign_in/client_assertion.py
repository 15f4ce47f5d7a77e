"""The signed assertion by which a federated credential proves that the portal is the portal."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

# An assertion is some thousand bytes at most; a file far beyond that is another file.
_LONGEST = 16_384


class AssertionMissing(Exception):
    """There is no assertion to use; the message says why."""


def client_assertion() -> str:
    """What the configured file holds now: whoever issues it replaces it every few minutes.

    Raises AssertionMissing.
    """
    path = settings.ENTRA_CLIENT_ASSERTION_FILE
    if not path:
        raise AssertionMissing("not set, and ENTRA_CLIENT_SECRET is not set either")
    try:
        assertion = Path(path).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise AssertionMissing(f"{path} cannot be read: {type(error).__name__}") from error
    if not assertion or len(assertion) > _LONGEST:
        raise AssertionMissing(f"{path} holds no assertion")
    return assertion
