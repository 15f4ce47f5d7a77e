"""Cookies to be set, as a value: Django's response takes one, and so does a bare header. Pure."""

from __future__ import annotations

from email.utils import formatdate
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from django.http import HttpResponseBase


class Cookie(NamedTuple):
    """One cookie that no script reads and no foreign site's form brings along.

    ``value`` needs no quoting (RFC 6265, 4.1.1); ``domain`` is empty for this host alone.
    ``max_age`` is in seconds, None until the browser closes.
    """

    name: str
    value: str
    domain: str
    secure: bool
    max_age: int | None = None

    def put_on(self, response: HttpResponseBase) -> None:
        """Set it on a response of Django."""
        response.set_cookie(
            self.name,
            self.value,
            self.max_age,
            domain=self.domain or None,
            secure=self.secure,
            httponly=True,
            samesite="Lax",
        )

    def text(self, now: float) -> str:
        """The value of its ``Set-Cookie`` header at ``now``, in seconds since the epoch.

        The same text that Django writes, which a test holds against it.
        """
        parts = [f"{self.name}={self.value}"]
        if self.domain:
            parts.append(f"Domain={self.domain}")
        if self.max_age is not None:
            parts.append(f"expires={formatdate(now + self.max_age, usegmt=True)}")
        parts.append("HttpOnly")
        if self.max_age is not None:
            parts.append(f"Max-Age={self.max_age}")
        parts.append("Path=/; SameSite=Lax")
        if self.secure:
            parts.append("Secure")
        return "; ".join(parts)
