"""What every template may say."""

from __future__ import annotations

from django.http import HttpRequest

from redirection.conf import conf


def portal_names(request: HttpRequest) -> dict[str, str]:
    """The names of both portals: ``legacy_name`` and ``destination_name``."""
    return {"legacy_name": conf().legacy_name, "destination_name": conf().destination_name}
