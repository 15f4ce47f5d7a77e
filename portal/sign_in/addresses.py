"""The addresses of a sign-in: where it may lead back to, and those Entra ID has on file."""

from __future__ import annotations

import unicodedata
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.core import signing
from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from portal.hosts import legacy_host
from redirection.conf import conf

# A long bookmark must survive the sign-in; it is kept in the session meanwhile.
_LONGEST_PATH = 9000
_SALT = "portal.sign_in.signed_out"
_SIGN_OUT_SECONDS = 600


def own_path(value: object) -> str:
    """``value`` if it is a path on the host that serves it (query and fragment included), else /.

    Stricter than a browser: no second slash, no backslash and no control character, which some
    browsers read as the start of a host.
    """
    if not isinstance(value, str) or not value.startswith("/") or len(value) > _LONGEST_PATH:
        return "/"
    # Behind two slashes stands a host, also one without a letter, which is no address at all.
    if value.startswith("//"):
        return "/"
    if "\\" in value or any(unicodedata.category(character)[0] == "C" for character in value):
        return "/"
    return value if url_has_allowed_host_and_scheme(value, allowed_hosts=None) else "/"


def own_address(request: HttpRequest, path: object) -> str:
    """The whole address of ``path`` on the host of ``request``."""
    return f"{request.scheme}://{request.get_host()}{own_path(path)}"


def registered_origin(request: HttpRequest) -> str:
    """The origin under which Entra ID knows the portal that serves ``request``.

    Entra ID takes no wildcard address, so all tenant hosts share the one of their domain.
    """
    host = request.get_host()
    legacy = legacy_host(request)
    if legacy is not None:
        _, colon, port = host.partition(":")
        host = f"{legacy.domain}{colon}{port}"
    return f"{request.scheme}://{host}"


def provider_sign_out(request: HttpRequest) -> str:
    """Where Entra ID ends its own session, and which host of ours it comes back to."""
    query = {
        "client_id": settings.SOCIAL_AUTH_ENTRA_KEY,
        "post_logout_redirect_uri": registered_origin(request) + reverse("signed_out"),
        "state": signing.dumps(request.get_host(), salt=_SALT),
    }
    tenant = settings.SOCIAL_AUTH_ENTRA_TENANT_ID
    return f"{settings.ENTRA_AUTHORITY}/{tenant}/oauth2/v2.0/logout?{urlencode(query)}"


def host_signed_out_from(state: str) -> str | None:
    """The host named by a ``state`` of ours, or None if it is forged, old or not our host."""
    try:
        host = signing.loads(state, salt=_SALT, max_age=_SIGN_OUT_SECONDS)
    except signing.BadSignature:
        return None
    destinations = {urlsplit(cloud["destination"]).netloc for cloud in conf().clouds.values()}
    if isinstance(host, str) and (host in destinations or conf().legacy_hosts.parse(host)):
        return host
    return None
