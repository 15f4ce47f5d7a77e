"""System checks of the sign-in: what would let the wrong person in, or nobody."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004

E002 = Error(
    "SESSION_COOKIE_SAMESITE is 'Strict', so nobody comes back signed in from Entra ID.",
    hint="Use 'Lax'.",
    id="portal.E002",
)
# Facts on sign-in: the identity is tid:oid, and no setting may downgrade it.
ID_KEYS = ("SOCIAL_AUTH_ENTRA_ID_KEY", "SOCIAL_AUTH_ID_KEY")
CREDENTIALS = {
    "SOCIAL_AUTH_ENTRA_KEY": "ENTRA_CLIENT_ID",
    "SOCIAL_AUTH_ENTRA_SECRET": "ENTRA_CLIENT_SECRET",
}


@register(Tags.security)
def authority_is_encrypted(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    authority = urlsplit(settings.ENTRA_AUTHORITY)
    if authority.scheme == "https" or _is_loopback(authority.hostname or ""):
        return []
    return [
        Error(
            f"ENTRA_AUTHORITY is {settings.ENTRA_AUTHORITY!r}: whoever is on the way can sign in "
            "as anybody.",
            hint="Use https; plain http is for a loopback address only.",
            id="portal.E001",
        )
    ]


@register(Tags.security)
def session_cookie_comes_back(
    app_configs: Sequence[AppConfig] | None, **_: Any
) -> list[CheckMessage]:
    return [E002] if settings.SESSION_COOKIE_SAMESITE == "Strict" else []


@register(Tags.security)
def identity_is_fixed(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    return [
        Error(
            f"{name} is {getattr(settings, name)!r}, but people are known by tid:oid only.",
            hint=f"Remove {name}.",
            id="portal.E003",
        )
        for name in ID_KEYS
        if hasattr(settings, name)
    ]


@register(Tags.security, deploy=True)
def client_is_registered(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    return [
        Warning(
            f"{variable} is empty, so nobody can sign in.",
            hint=f"Set {variable} to the value of the app registration in Entra ID.",
            id="portal.W001",
        )
        for setting, variable in CREDENTIALS.items()
        if not getattr(settings, setting)
    ]


def _is_loopback(host: str) -> bool:
    # RFC 6761, 6.3: localhost and every name below it is loopback.
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
