"""One site, two portals: which pages a host serves, and how far its session cookie reaches."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from redirection.conf import conf
from redirection.legacy_hosts import LegacyHost


def legacy_host(request: HttpRequest) -> LegacyHost | None:
    """The legacy host this request came to, or None on the destination."""
    return conf().legacy_hosts.parse(request.get_host())


class PortalHostMiddleware:
    """Legacy hosts get the legacy portal's pages, and one session for all tenant hosts."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        host = legacy_host(request)
        if host is not None:
            request.urlconf = "portal.legacy_urls"
        response = self.get_response(request)
        if host is not None and settings.SESSION_COOKIE_NAME in response.cookies:
            # The callback of the sign-in is on the domain itself, the tenants are below it.
            response.cookies[settings.SESSION_COOKIE_NAME]["domain"] = host.domain
        return response
