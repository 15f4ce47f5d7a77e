"""A legacy request from what received it: Django, a WSGI server, or a proxy that asks the gate."""

from __future__ import annotations

from functools import lru_cache
from typing import Any
from urllib.parse import unquote_to_bytes

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.core.handlers.wsgi import (
    WSGIRequest,
    get_script_name,
    get_str_from_wsgi,
)
from django.core.signals import setting_changed
from django.dispatch import receiver
from django.http import HttpRequest, parse_cookie
from django.http.request import split_domain_port

from redirection.legacy_requests import LegacyRequest

# The longest name (RFC 1035, 2.3.4), a dot and a port; what is longer is no legacy host.
_LONGEST_HOST = 260
_HOSTS_KEPT = 4096
# Where Django looks for the prefix the site is mounted at.
_PREFIXES = ("SCRIPT_NAME", "SCRIPT_URL", "REDIRECT_URL")


class Environ(WSGIRequest):
    """A WSGI environment, asked for what Django says of host and scheme, and nothing else."""

    def __init__(self, environ: dict[str, Any]) -> None:
        # Everything else of a request takes time, and the body is not this project's.
        self.environ = self.META = environ


def of_django(request: HttpRequest) -> LegacyRequest:
    """The request Django received, by WSGI or ASGI."""
    return LegacyRequest(
        method=request.method or "",
        path=request.path_info,
        full_path=request.path,
        query=request.META.get("QUERY_STRING", ""),
        headers=request.META,
        read_host=lambda: _host_of(request),
        read_cookies=lambda: request.COOKIES,
    )


def of_environ(environ: dict[str, Any]) -> LegacyRequest:
    """The same request before Django has seen it: the same host, path, query and cookies."""
    path: str = environ.get("PATH_INFO", "/")
    if not path.isascii():
        path = _decoded(path.encode("latin-1"))
    path = path or "/"
    return LegacyRequest(
        method=environ["REQUEST_METHOD"].upper(),
        path=path,
        full_path=f"{_prefix(environ)}/{path.replace('/', '', 1)}",
        query=environ.get("QUERY_STRING", ""),
        headers=environ,
        read_host=lambda: _served(environ),
        read_cookies=lambda: cookies_of(environ),
    )


def of_target(method: str, host: str, target: str, headers: dict[str, Any]) -> LegacyRequest:
    """The request a proxy tells of: ``target`` is what stood in its first line, in Latin-1.

    ``headers`` may be those of another request that brings the client's along. A target in
    absolute form (RFC 9112, 3.2.2) loses scheme and host: ``host`` is the one the proxy serves.
    """
    raw_path, _, query = _origin_form(target).partition("?")
    path = _decoded(unquote_to_bytes(raw_path.encode("latin-1"))) or "/"
    return LegacyRequest(
        method=method,
        path=path,
        full_path=f"/{path.replace('/', '', 1)}",
        query=query,
        headers=headers,
        read_host=lambda: host if split_domain_port(host)[0] else "",
        read_cookies=lambda: cookies_of(headers),
    )


def _decoded(path: bytes) -> str:
    """``path`` as text, by Django's rule: what is no UTF-8 is percent-encoded again.

    Django's own ``repercent_broken_unicode`` begins anew after every such byte.
    """
    try:
        return path.decode()
    except UnicodeDecodeError:
        return path.decode(errors="surrogateescape").translate(_PERCENT_ENCODED)


# What stands for the bytes 0x80 to 0xFF (PEP 383).
_PERCENT_ENCODED = {0xDC00 + byte: f"%{byte:02X}" for byte in range(0x80, 0x100)}


def _prefix(environ: dict[str, Any]) -> str:
    named = settings.FORCE_SCRIPT_NAME, *map(environ.get, _PREFIXES)
    return get_script_name(environ).rstrip("/") if any(named) else ""


def cookies_of(environ: dict[str, Any]) -> dict[str, str]:
    """The cookies of a WSGI environment, by Django's rules."""
    header: str = environ.get("HTTP_COOKIE", "")
    return parse_cookie(
        header if header.isascii() else get_str_from_wsgi(environ, "HTTP_COOKIE", "")
    )


def _origin_form(target: str) -> str:
    scheme, separator, rest = target.partition("://")
    if not separator or scheme.lower() not in ("http", "https"):
        return target
    # The authority ends at the first of these, or never.
    end = min((at for at in map(rest.find, "/?") if at >= 0), default=len(rest))
    return rest[end:]


def _host_of(request: HttpRequest) -> str:
    try:
        return request.get_host()
    except DisallowedHost:
        return ""


def _served(environ: dict[str, Any]) -> str:
    host = environ.get("HTTP_HOST")
    if host is None or "HTTP_X_FORWARDED_HOST" in environ:
        return _host_of(Environ(environ))
    return _named(host) if len(host) <= _LONGEST_HOST else ""


# Few names are asked for again and again; Django looks through ALLOWED_HOSTS each time.
@lru_cache(maxsize=_HOSTS_KEPT)
def _named(host: str) -> str:
    return _host_of(Environ({"HTTP_HOST": host}))


@receiver(setting_changed)
def forget(*, setting: str, **_: object) -> None:
    """``override_settings`` works because nothing is remembered."""
    if setting in ("ALLOWED_HOSTS", "DEBUG"):
        _named.cache_clear()
