"""System checks: a site that would redirect wrongly, or not at all, does not start."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Info, Tags, register
from django.utils.module_loading import import_string

from redirection.clouds import DEFAULT_CLOUDS, cloud_problems
from redirection.conf import DEFAULT_EXEMPT_PATHS

MIDDLEWARE = "redirection.middleware.RedirectionMiddleware"
BACKEND = "redirection.permissions.TenantRolesBackend"
OWN_PATH = "/redirection/"
E009 = Error(
    "REDIRECTION_REDIS_URL is set, but redis is not installed, so no change is pushed.",
    hint="Install redis, or leave the setting empty.",
    id="redirection.E009",
)
# Each of these reads the store for the request, or makes the next one do so.
READ_THE_STORE = (
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.sites.middleware.CurrentSiteMiddleware",
    "django.contrib.flatpages.middleware.FlatpageFallbackMiddleware",
    "django.contrib.redirects.middleware.RedirectFallbackMiddleware",
)

E001 = Error(
    f"MIDDLEWARE does not contain {MIDDLEWARE!r}, so nothing is redirected.",
    hint="Add it behind django.middleware.security.SecurityMiddleware.",
    id="redirection.E001",
)
E003 = Error(
    f"AUTHENTICATION_BACKENDS does not contain {BACKEND!r}, so nobody may switch.",
    hint="Add it; it signs nobody in and only answers has_perm() on a tenant.",
    id="redirection.E003",
)
E005 = Error(
    f"REDIRECTION_EXEMPT_PATHS does not contain {OWN_PATH!r}, so giving "
    "feedback on the legacy portal would be redirected.",
    hint=f"Add {OWN_PATH!r} to the list.",
    id="redirection.E005",
)

I001 = Info(
    "EMAIL_URL is not set: no mail is written, neither answers nor digests.",
    hint="Set it, and run manage.py send_messages beside the site (docs/messages.md).",
    id="redirection.I001",
)


@register
def middleware_is_there(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    return [] if MIDDLEWARE in settings.MIDDLEWARE else [E001]


@register
def middleware_comes_before_the_store(
    app_configs: Sequence[AppConfig] | None, **_: Any
) -> list[CheckMessage]:
    installed = list(settings.MIDDLEWARE)
    if MIDDLEWARE not in installed:
        return []
    before = installed[: installed.index(MIDDLEWARE)]
    return [
        Error(
            f"MIDDLEWARE lists {reader!r} before {MIDDLEWARE!r}, so a redirect reads the store.",
            hint=f"Move {MIDDLEWARE!r} in front of it.",
            id="redirection.E002",
        )
        for reader in READ_THE_STORE
        if reader in before
    ]


@register
def backend_is_there(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    return [] if BACKEND in settings.AUTHENTICATION_BACKENDS else [E003]


@register
def clouds_are_right(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    clouds = getattr(settings, "REDIRECTION_CLOUDS", DEFAULT_CLOUDS)
    return [
        Error(
            f"REDIRECTION_CLOUDS: {problem}.",
            hint="Each cloud has a list of legacy host names and one destination origin, such as "
            '{"commercial": {"legacy": ["portal.example.com"], '
            '"destination": "https://security.example.com"}}.',
            id="redirection.E004",
        )
        for problem in cloud_problems(clouds)
    ]


@register
def destinations_are_not_legacy(
    app_configs: Sequence[AppConfig] | None, **_: Any
) -> list[CheckMessage]:
    clouds = getattr(settings, "REDIRECTION_CLOUDS", DEFAULT_CLOUDS)
    if cloud_problems(clouds):
        return []
    domains = [domain for cloud in clouds.values() for domain in cloud["legacy"]]
    return [
        Error(
            f"REDIRECTION_CLOUDS: destination {cloud['destination']!r} lies below the legacy "
            f"domain {domain!r}, so a redirect comes back.",
            hint="Name the legacy domain more closely, such as portal.example.com.",
            id="redirection.E007",
        )
        for cloud in clouds.values()
        for domain in domains
        if f".{urlsplit(cloud['destination']).hostname}".endswith(f".{domain}")
    ]


@register(Tags.compatibility, deploy=True)
def mail_is_sent(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    return [] if getattr(settings, "REDIRECTION_SENDS_MAIL", False) else [I001]


@register
def own_path_is_exempt(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    return [] if OWN_PATH in map(_with_slash, _exempt_paths()) else [E005]


@register
def exempt_paths_are_paths(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    return [
        Error(
            f"REDIRECTION_EXEMPT_PATHS contains {path!r}, "
            + ("which is every page." if _with_slash(path) == "/" else "which is no path."),
            hint="List paths that begin with / and have a name, such as /api/.",
            id="redirection.E006",
        )
        for path in _exempt_paths()
        if not path.startswith("/") or _with_slash(path) == "/"
    ]


@register
def invitations_lead_somewhere(
    app_configs: Sequence[AppConfig] | None, **_: Any
) -> list[CheckMessage]:
    path = getattr(settings, "REDIRECTION_INVITE", "")
    try:
        found = import_string(path) if path else None
    except ImportError as error:
        problem = str(error)
    else:
        if not path or callable(found):
            return []
        problem = "it cannot be called"
    return [
        Error(
            f"REDIRECTION_INVITE is {path!r}, but {problem}.",
            hint="Name a function of a tenant, an object id and a name that returns a user, or "
            "leave it empty.",
            id="redirection.E008",
        )
    ]


@register
def redis_can_be_asked(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    wanted = getattr(settings, "REDIRECTION_REDIS_URL", "")
    return [E009] if wanted and find_spec("redis") is None else []


def _exempt_paths() -> Sequence[str]:
    return getattr(settings, "REDIRECTION_EXEMPT_PATHS", DEFAULT_EXEMPT_PATHS)


def _with_slash(path: str) -> str:
    return f"{path.rstrip('/')}/"
