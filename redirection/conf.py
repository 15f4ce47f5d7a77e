"""The settings of the app as one typed object, built once and forgotten when a setting changes."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.dispatch import receiver
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.module_loading import import_string

from redirection.clouds import DEFAULT_CLOUDS, cloud_problems
from redirection.decisions import is_exempt
from redirection.legacy_hosts import LegacyHosts
from redirection.memories import Memory

DEFAULT_REGIONS = ("us", "us1", "us2", "us3", "eu", "eu2")
# Not pages: facts on the portals, "never redirect these on the legacy host"; then what this
# project itself serves there.
DEFAULT_EXEMPT_PATHS = (
    "/api/",
    "/cas/",
    "/oauth2/",
    "/saml/",
    "/auth/",
    "/redirection/",
    "/static/",
    "/download/",
    "/downloads/",
    "/.well-known/",
    "/favicon.ico",
    "/robots.txt",
)


# What a header carries unchanged (RFC 9110, 5.5), but for the comma between two of them.
GATE_KEY = r"[!-+\--~]{32,200}"
GATE_KEYS = "keys of 32 to 200 printable characters"


# The cookie is written anew at most this often (milliseconds), and often enough for a short
# idle time-out.
_RENEW_AFTER = 60_000
# Most people come to a few pages, of a few tenants; so many are kept.
_KEPT, _LONGEST_PATH = 4_096, 200


# The same while no setting changes, and known by identity: what is kept is kept by it.
@dataclass(frozen=True, eq=False)
class Conf:
    """All settings of the app; durations in seconds unless the name says otherwise."""

    clouds: Mapping[str, Mapping[str, Any]]
    regions: tuple[str, ...]
    exempt_paths: tuple[str, ...]
    session_idle: int
    session_limit: int
    session_cookie: str
    session_cookie_secure: bool
    refresh: float
    report: float
    traffic_days: int
    feedback_per_person: int
    feedback_per_tenant: int
    feedback_days: int
    refusal_days: int
    message_days: int
    webhooks_inside: bool
    sends_mail: bool
    destination_shows_notices: bool
    roles_max_age: int | None
    check_roles_url: str
    invite_path: str
    legacy_name: str
    destination_name: str
    gate_keys: tuple[bytes, ...]
    redis_url: str
    # What every request asks for. An attribute takes a tenth of the time of a property.
    legacy_hosts: LegacyHosts = field(init=False, repr=False)
    destinations: dict[str, str] = field(init=False, repr=False)
    session_renew_after: int = field(init=False, repr=False)
    session_cookie_names: Memory[str, str] = field(init=False, repr=False)
    tenant_cookie: str = field(init=False, repr=False)
    form_cookie: str = field(init=False, repr=False)
    known_exempt: Memory[str, bool] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        # __Secure-: a cookie spans the tenant's hosts; __Host-: no other host of the domain can
        # leave one here.
        secure, own = ("__Secure-", "__Host-") if self.session_cookie_secure else ("", "")
        domains = {domain: key for key, cloud in self.clouds.items() for domain in cloud["legacy"]}
        session = f"{secure}{self.session_cookie}_"
        self.__dict__.update(
            legacy_hosts=LegacyHosts(domains, self.regions),
            destinations={key: cloud["destination"] for key, cloud in self.clouds.items()},
            session_renew_after=min(_RENEW_AFTER, self.session_idle * 1000 // 4),
            session_cookie_names=Memory(lambda tid: session + tid.replace("-", ""), _KEPT),
            tenant_cookie=f"{secure}legacy_tenant",
            form_cookie=f"{own}legacy_form",
            known_exempt=Memory(
                lambda path: is_exempt(path, self.exempt_paths), _KEPT, _LONGEST_PATH
            ),
        )

    @property
    def destination_urlconf(self) -> str:
        """The addresses of the destination, whatever host is being served now."""
        urlconf: str = _setting("DESTINATION_URLCONF", settings.ROOT_URLCONF)
        return urlconf

    @cached_property
    def hand_over_path(self) -> str:
        return reverse("redirection:hand_over", urlconf=self.destination_urlconf)

    @property
    def invite(self) -> Callable[[Any, UUID, str], Any]:
        """REDIRECTION_INVITE: from a home tenant, an object id and a name to that user.

        The user is the one a sign-in of that person finds, added if there is none yet. Raises
        ImproperlyConfigured for a setting that is empty or leads nowhere.
        """
        try:
            found: Callable[[Any, UUID, str], Any] = import_string(self.invite_path)
        except ImportError as error:
            raise ImproperlyConfigured(f"REDIRECTION_INVITE: {error}") from error
        return found

    @cached_property
    def session_keys(self) -> tuple[bytes, ...]:
        """The signing key of the legacy session, then those it replaced (32 bytes each)."""
        secrets = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
        return tuple(
            hashlib.sha256(b"redirection.legacy_sessions:" + secret.encode()).digest()
            for secret in secrets
        )

    def destination(self, cloud: str) -> str | None:
        """The destination origin of a cloud, or None if the cloud is not configured."""
        return self.destinations.get(cloud)


@lru_cache(maxsize=1)
def conf() -> Conf:
    """The settings as they are now. Raises ImproperlyConfigured for a wrong one."""
    clouds = _setting("CLOUDS", DEFAULT_CLOUDS)
    problems = cloud_problems(clouds)
    if problems:
        raise ImproperlyConfigured(f"REDIRECTION_CLOUDS: {problems[0]}")
    return Conf(
        clouds=clouds,
        regions=tuple(_setting("REGIONS", DEFAULT_REGIONS)),
        exempt_paths=tuple(
            f"{path.rstrip('/')}/" for path in _setting("EXEMPT_PATHS", DEFAULT_EXEMPT_PATHS)
        ),
        session_idle=_setting("SESSION_IDLE", 60 * 60),
        session_limit=_setting("SESSION_LIMIT", 12 * 60 * 60),
        session_cookie=_setting("SESSION_COOKIE", "legacy_session"),
        session_cookie_secure=_setting("SESSION_COOKIE_SECURE", True),
        refresh=_setting("REFRESH", 0.5),
        report=_setting("REPORT", 3.0),
        traffic_days=_setting("TRAFFIC_DAYS", 400),
        feedback_per_person=_setting("FEEDBACK_PER_PERSON", 20),
        feedback_per_tenant=_setting("FEEDBACK_PER_TENANT", 500),
        feedback_days=_setting("FEEDBACK_DAYS", 730),
        refusal_days=_setting("REFUSAL_DAYS", 90),
        message_days=_setting("MESSAGE_DAYS", 30),
        webhooks_inside=_setting("WEBHOOKS_INSIDE", False),
        sends_mail=_setting("SENDS_MAIL", False),
        destination_shows_notices=_setting("DESTINATION_SHOWS_NOTICES", False),
        roles_max_age=_setting("ROLES_MAX_AGE", 15 * 60),
        check_roles_url=_setting("CHECK_ROLES_URL", ""),
        invite_path=_setting("INVITE", ""),
        legacy_name=_setting("LEGACY_NAME", "Microsoft Defender for Cloud Apps"),
        destination_name=_setting("DESTINATION_NAME", "Microsoft 365 Defender"),
        gate_keys=_gate_keys(_setting("GATE_KEY", ())),
        redis_url=_setting("REDIS_URL", ""),
    )


def _gate_keys(value: object) -> tuple[bytes, ...]:
    """The keys in REDIRECTION_GATE_KEY: text with commas, or a list. Without any it is off."""
    keys = value.split(",") if isinstance(value, str) else value
    if not isinstance(keys, list | tuple):
        raise ImproperlyConfigured("REDIRECTION_GATE_KEY: neither text nor a list of keys")
    keys = [str(key).strip() for key in keys if str(key).strip()]
    if not all(re.fullmatch(GATE_KEY, key) for key in keys):
        raise ImproperlyConfigured(f"REDIRECTION_GATE_KEY: not each is one of {GATE_KEYS}")
    return tuple(key.encode() for key in keys)


def _setting(name: str, default: Any) -> Any:
    return getattr(settings, f"REDIRECTION_{name}", default)


@receiver(setting_changed)
def forget(*, setting: str, **_: object) -> None:
    """``override_settings`` works because the object is built anew."""
    if setting.startswith(("REDIRECTION_", "SECRET_KEY")) or setting == "ROOT_URLCONF":
        conf.cache_clear()
