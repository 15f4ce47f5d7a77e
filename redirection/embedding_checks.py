"""System checks of what the app needs from the project around it, in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig, apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register  # noqa: A004
from django.core.exceptions import ImproperlyConfigured
from django.shortcuts import resolve_url
from django.template import engines
from django.template.backends.django import DjangoTemplates
from django.urls import NoReverseMatch, Resolver404, resolve, reverse
from django.utils.module_loading import import_string

from redirection.conf import Conf, conf
from redirection.decisions import is_exempt

APPS = {
    "django.contrib.auth": "there are no people who could switch",
    "django.contrib.contenttypes": "there are no people who could switch",
    "django.contrib.messages": "pages cannot say what was done",
    "django.contrib.staticfiles": "pages have neither styles nor scripts",
    "django_htmx": "the settings page cannot follow a change",
}
# Others may stand in for these, so their subclasses count.
PAGE_MIDDLEWARE = (
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
)
CONTEXT_PROCESSORS = (
    "django.template.context_processors.request",
    "django.contrib.auth.context_processors.auth",
    "django.contrib.messages.context_processors.messages",
    "redirection.context_processors.portal_names",
)

# Referrer Policy, 3: neither names the page before to another host of the organisation.
HIDE_ONE_HOST_FROM_ANOTHER = ("no-referrer", "same-origin")

E024 = Error(
    "No URLconf includes the pages of the destination, so a redirect leads nowhere.",
    hint="Include 'redirection.urls' in ROOT_URLCONF, or 'redirection.both_urls' where the same "
    "URLconf serves legacy hosts; a project that serves legacy hosts only sets "
    "REDIRECTION_DESTINATION_URLCONF to 'redirection.destination_urls'.",
    id="redirection.E024",
)
E025 = Error(
    "TEMPLATES has no engine of Django's own that looks into apps, so no page can be shown.",
    hint="Add 'django.template.backends.django.DjangoTemplates' with APP_DIRS on.",
    id="redirection.E025",
)
W020 = Warning(
    "REDIRECTION_ROLES_MAX_AGE is set, but REDIRECTION_CHECK_ROLES_URL names no page that asks "
    "for somebody's roles again.",
    hint="Where no directory gives roles, set REDIRECTION_ROLES_MAX_AGE to None: local roles alone "
    "decide who may switch. Else name the page, or silence this if each sign-in writes a "
    "RoleSnapshot.",
    id="redirection.W020",
)
W022 = Warning(
    "SECURE_REFERRER_POLICY hides the page before from other hosts of the same organisation, so a "
    "tab that goes from one to another is taken for a new one and redirected.",
    hint="Set it to 'strict-origin-when-cross-origin'; silence this where the project serves no "
    "legacy pages.",
    id="redirection.W022",
)


@register
def apps_are_there(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    return [
        Error(
            f"INSTALLED_APPS does not contain {name!r}, so {consequence}.",
            hint="Add it.",
            id="redirection.E021",
        )
        for name, consequence in APPS.items()
        if not apps.is_installed(name)
    ]


@register
def page_middleware_is_there(
    app_configs: Sequence[AppConfig] | None, **_: Any
) -> list[CheckMessage]:
    installed = [_imported(path) for path in settings.MIDDLEWARE]
    return [
        Error(
            f"MIDDLEWARE does not contain {path!r}, so nobody can use the settings page.",
            hint="Add it, behind the redirection middleware.",
            id="redirection.E022",
        )
        for path in PAGE_MIDDLEWARE
        if not any(_is_a(found, _imported(path)) for found in installed)
    ]


@register
def context_processors_are_there(
    app_configs: Sequence[AppConfig] | None, **_: Any
) -> list[CheckMessage]:
    found = [engine for engine in engines.all() if isinstance(engine, DjangoTemplates)]
    if not found or not any(engine.app_dirs or _has_loaders(engine) for engine in found):
        return [E025]
    listed = found[0].engine.context_processors
    return [
        Error(
            f"The context processor {name!r} is not in TEMPLATES, so the banner and the pages of "
            "the app are incomplete.",
            hint='Add it to OPTIONS["context_processors"].',
            id="redirection.E023",
        )
        for name in CONTEXT_PROCESSORS
        if name not in listed
    ]


@register
def destination_has_pages(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    configured = _configured()
    if configured is None:
        return []
    try:
        reverse("redirection:hand_over", urlconf=configured.destination_urlconf)
    except NoReverseMatch:
        return [E024]
    return []


@register
def people_can_sign_in(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    configured = _configured()
    # Whoever serves the settings page signs people in.
    if configured is None or configured.destination_urlconf != settings.ROOT_URLCONF:
        return []
    try:
        address = resolve_url(settings.LOGIN_URL)
        if not urlsplit(address).netloc:
            resolve(urlsplit(address).path)
    except (NoReverseMatch, Resolver404):
        return [
            Warning(
                f"LOGIN_URL is {str(settings.LOGIN_URL)!r}, where there is no page, so nobody can "
                "sign in to the settings page.",
                hint="Name the page where people sign in, such as 'admin:login'.",
                id="redirection.W021",
            )
        ]
    return []


@register
def sign_in_is_no_page_of_the_portal(
    app_configs: Sequence[AppConfig] | None, **_: Any
) -> list[CheckMessage]:
    configured = _configured()
    try:
        # Where legacy hosts have these addresses, feedback asks for a sign-in there.
        reverse("redirection:here", urlconf=settings.ROOT_URLCONF)
        address = urlsplit(resolve_url(settings.LOGIN_URL))
    except NoReverseMatch:
        return []
    if configured is None or address.netloc or is_exempt(address.path, configured.exempt_paths):
        return []
    return [
        Warning(
            f"REDIRECTION_EXEMPT_PATHS does not cover {address.path!r}, where people sign in, so "
            "whoever is asked to sign in on the legacy portal is redirected instead.",
            hint="Add it to the list, which takes the place of the default: "
            "[*redirection.conf.DEFAULT_EXEMPT_PATHS, ...].",
            id="redirection.W023",
        )
    ]


@register
def hosts_of_an_organisation_know_each_other(
    app_configs: Sequence[AppConfig] | None, **_: Any
) -> list[CheckMessage]:
    security = _imported("django.middleware.security.SecurityMiddleware")
    if not any(_is_a(_imported(path), security) for path in settings.MIDDLEWARE):
        return []
    value = settings.SECURE_REFERRER_POLICY or ""
    policies = value.split(",") if isinstance(value, str) else [*value]
    # Of several a browser takes the last one that it knows.
    last = "".join(policies[-1:]).strip()
    return [W022] if last in HIDE_ONE_HOST_FROM_ANOTHER else []


@register
def roles_can_be_asked_for(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    configured = _configured()
    if configured is None or configured.roles_max_age is None or configured.check_roles_url:
        return []
    return [W020]


def _configured() -> Conf | None:
    try:
        return conf()
    except ImproperlyConfigured:
        # A check of its own says what is wrong.
        return None


def _has_loaders(engine: DjangoTemplates) -> bool:
    return "django.template.loaders.app_directories.Loader" in str(engine.engine.loaders)


def _imported(path: str) -> object:
    try:
        return import_string(path)
    except ImportError:
        # Django itself says so when it builds the chain.
        return None


def _is_a(found: object, wanted: object) -> bool:
    if isinstance(found, type) and isinstance(wanted, type):
        return issubclass(found, wanted)
    return found is wanted
