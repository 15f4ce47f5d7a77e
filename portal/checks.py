"""System checks of the sign-in: what would let the wrong person in, or nobody."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004

from redirection.clouds import cloud_problems

E002 = Error(
    "SESSION_COOKIE_SAMESITE is 'Strict', so nobody comes back signed in from Entra ID.",
    hint="Use 'Lax'.",
    id="portal.E002",
)
# Facts on sign-in: the identity is tid:oid, and no setting may downgrade it.
ID_KEYS = ("SOCIAL_AUTH_ENTRA_ID_KEY", "SOCIAL_AUTH_ID_KEY")
HTTP_ONLY = ("SESSION_COOKIE_HTTPONLY", "CSRF_COOKIE_HTTPONLY")
SECURE = ("SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "REDIRECTION_SESSION_COOKIE_SECURE")
# Each needs the ones before it.
GUARDS = (
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "portal.sign_in.session_limits.SessionLimitsMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
)
E006 = Error(
    "ENTRA_CLIENT_SECRET and ENTRA_CLIENT_ASSERTION_FILE are both set.",
    hint="Set one of them; a federated credential needs no secret.",
    id="portal.E006",
)


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


@register(Tags.security)
def cookies_are_protected(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    needed = [*HTTP_ONLY, *(SECURE if _is_https() else ())]
    return [
        Error(
            f"{name} is off, so whoever is on the way, or a script, can take over a session.",
            hint=f"Set {name} to True.",
            id="portal.E004",
        )
        for name in needed
        if not getattr(settings, name)
    ]


@register(Tags.security)
def guards_are_installed(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    installed = [name for name in settings.MIDDLEWARE if name in GUARDS]
    if installed == list(GUARDS):
        return []
    return [
        Error(
            f"MIDDLEWARE has {installed} of the middleware that guards the pages.",
            hint=f"List all of them, in this order: {', '.join(GUARDS)}.",
            id="portal.E005",
        )
    ]


@register(Tags.security)
def client_has_one_credential(
    app_configs: Sequence[AppConfig] | None, **_: Any
) -> list[CheckMessage]:
    both = settings.SOCIAL_AUTH_ENTRA_SECRET and settings.ENTRA_CLIENT_ASSERTION_FILE
    return [E006] if both else []


@register(Tags.security)
def certificates_can_be_read(
    app_configs: Sequence[AppConfig] | None, **_: Any
) -> list[CheckMessage]:
    path = settings.ENTRA_CA_FILE
    if not path:
        return []
    try:
        ssl.create_default_context(cafile=path)
    except OSError as error:
        # ssl.SSLError is one, too: a file that is no certificate.
        return [
            Error(
                f"ENTRA_CA_FILE is {path!r}: {error.strerror or 'no certificate in it'}, so nobody "
                "can sign in.",
                hint="Name a readable file with certificates in PEM format.",
                id="portal.E007",
            )
        ]
    return []


@register(Tags.security, deploy=True)
def client_is_registered(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    missing = []
    if not settings.SOCIAL_AUTH_ENTRA_KEY:
        missing.append("ENTRA_CLIENT_ID")
    if not (settings.SOCIAL_AUTH_ENTRA_SECRET or settings.ENTRA_CLIENT_ASSERTION_FILE):
        missing.append("ENTRA_CLIENT_SECRET")
    return [
        Warning(
            f"{variable} is empty, so nobody can sign in.",
            hint=f"Set {variable} to the value of the app registration in Entra ID"
            + (", or ENTRA_CLIENT_ASSERTION_FILE." if variable.endswith("SECRET") else "."),
            id="portal.W001",
        )
        for variable in missing
    ]


def _is_https() -> bool:
    clouds = getattr(settings, "REDIRECTION_CLOUDS", {})
    # Wrong ones are reported by a check of their own.
    return not cloud_problems(clouds) and any(
        cloud["destination"].startswith("https:") for cloud in clouds.values()
    )


def _is_loopback(host: str) -> bool:
    # RFC 6761, 6.3: localhost and every name below it is loopback.
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
