"""What somebody typed before the sign-in had to be asked again, kept in their session.

Used where a form cannot be accepted yet: the session ended, or the roles must be checked
again first. Bounded, because it is kept before anything about the sender is checked.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.http import HttpRequest

LONGEST_VALUE = 4000


def keep(request: HttpRequest, form: str, fields: Iterable[str]) -> None:
    """Keep the posted values of ``fields``, until ``take`` asks for ``form``."""
    typed = {name: request.POST[name][:LONGEST_VALUE] for name in fields if name in request.POST}
    request.session[_key(form)] = typed


def take(request: HttpRequest, form: str) -> dict[str, str] | None:
    """What was kept for ``form``, once; None if nothing was."""
    typed: dict[str, str] | None = request.session.pop(_key(form), None)
    return typed


def _key(form: str) -> str:
    return f"unsent_{form}"
