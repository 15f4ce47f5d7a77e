"""A legacy request from what received it: Django, a WSGI server, or a proxy that asks the gate."""

from __future__ import annotations

from collections.abc import Mapping
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
from redirection.memories import Memory

# The longest name (RFC 1035, 2.3.4), a dot and a port; what is longer is no legacy host.
_LONGEST_HOST = 260
_HOSTS_KEPT = 4096
# So many Cookie headers are kept as they were parsed, each of at most so many characters.
_COOKIES_KEPT, _LONGEST_COOKIES = 2048, 1000


_new = object.__new__


class Environ(WSGIRequest):
    """A WSGI environment, asked for what Django says of host and scheme, and nothing else."""

    def __init__(self, environ: dict[str, Any]) -> None:
        # Everything else of a request takes time, and the body is not this project's.
        self.environ = self.META = environ


def of_django(request: HttpRequest) -> LegacyRequest:
    """The request Django received, by WSGI or ASGI."""
    headers = request.META
    # Here and below: a call with so many arguments takes twice as long.
    received = _new(LegacyRequest)
    received.method = request.method or ""
    received.path = request.path_info
    received.full_path = request.path
    received.query = headers.get("QUERY_STRING", "")
    received.headers = headers
    received.host = _host(headers, request)
    received.received = request
    received.read_cookies = _cookies_of_django
    received.known_cookies = None
    return received


def of_environ(environ: dict[str, Any]) -> LegacyRequest:
    """The same request before Django has seen it: the same host, path, query and cookies."""
    path: str = environ.get("PATH_INFO", "/")
    if not path.isascii():
        path = _decoded(path.encode("latin-1"))
    if not path:
        path = "/"
    full_path = path
    if (
        path[0] != "/"
        or environ.get("SCRIPT_NAME")
        # Where else Django looks for the prefix the site is mounted at.
        or "SCRIPT_URL" in environ
        or "REDIRECT_URL" in environ
        or _has_forced_prefix()
    ):
        full_path = f"{_prefix(environ)}/{path.replace('/', '', 1)}"
    method: str = environ["REQUEST_METHOD"]
    received = _new(LegacyRequest)
    received.method = method if method == "GET" else method.upper()
    received.path = path
    received.full_path = full_path
    received.query = environ.get("QUERY_STRING", "")
    received.headers = environ
    received.host = _host(environ)
    received.received = environ
    received.read_cookies = cookies_of
    received.known_cookies = None
    return received


def of_target(method: str, host: str, target: str, headers: dict[str, Any]) -> LegacyRequest:
    """The request a proxy tells of: ``target`` is what stood in its first line, in Latin-1.

    ``headers`` may be those of another request that brings the client's along. A target in
    absolute form (RFC 9112, 3.2.2) loses scheme and host: ``host`` is the one the proxy serves.
    """
    raw_path, _, query = _origin_form(target).partition("?")
    path = _decoded(unquote_to_bytes(raw_path.encode("latin-1"))) or "/"
    return LegacyRequest(
        method,
        path,
        f"/{path.replace('/', '', 1)}",
        query,
        headers,
        host if _is_well_formed[host] else "",
        headers,
        cookies_of,
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
    return get_script_name(environ).rstrip("/")


# To ask Django's settings takes longer than to remember what they said.
@lru_cache(maxsize=1)
def _has_forced_prefix() -> bool:
    return bool(settings.FORCE_SCRIPT_NAME)


def cookies_of(environ: dict[str, Any]) -> Mapping[str, str]:
    """The cookies of a WSGI environment, by Django's rules."""
    header: str = environ.get("HTTP_COOKIE", "")
    if header.isascii():
        return _parsed[header]
    return parse_cookie(get_str_from_wsgi(environ, "HTTP_COOKIE", ""))


def _cookies_of_django(request: HttpRequest) -> Mapping[str, str]:
    """Those Django has read already, or what it would read."""
    header = request.META.get("HTTP_COOKIE", "")
    if "COOKIES" in request.__dict__ or not header.isascii():
        return request.COOKIES
    return cookies_of(request.META)


# A browser asks for one thing after another, and brings the same cookies along.
_parsed: Memory[str, Mapping[str, str]] = Memory(parse_cookie, _COOKIES_KEPT, _LONGEST_COOKIES)


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


def _host(headers: dict[str, Any], request: HttpRequest | None = None) -> str:
    if "HTTP_HOST" not in headers or "HTTP_X_FORWARDED_HOST" in headers:
        # Django has more to read.
        return _host_of(request or Environ(headers))
    return _named[headers["HTTP_HOST"]]


def _host_named(host: str) -> str:
    return _host_of(Environ({"HTTP_HOST": host})) if len(host) <= _LONGEST_HOST else ""


# Few names are asked for again and again; Django looks through ALLOWED_HOSTS each time.
_named = Memory(_host_named, _HOSTS_KEPT, _LONGEST_HOST)


def _is_host(host: str) -> bool:
    return len(host) <= _LONGEST_HOST and bool(split_domain_port(host)[0])


_is_well_formed = Memory(_is_host, _HOSTS_KEPT, _LONGEST_HOST)


@receiver(setting_changed)
def forget(*, setting: str, **_: object) -> None:
    """``override_settings`` works because nothing is remembered."""
    if setting in ("ALLOWED_HOSTS", "DEBUG", "FORCE_SCRIPT_NAME"):
        _named.clear()
        _has_forced_prefix.cache_clear()
