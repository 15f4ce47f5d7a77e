"""Webhook calls as Standard Webhooks has them: signed, to public addresses only, and bounded."""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import SplitResult, urlsplit

import requests
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from requests_hardened import Config, Manager
from requests_hardened.ip_filter import InvalidIPAddress
from requests_hardened.ip_filter_adapter import IPFilterAdapter
from standardwebhooks import Webhook
from urllib3.exceptions import HTTPError

from redirection.conf import conf
from redirection.models import OutgoingMessage, WebhookEndpoint

# Seconds until the connection stands, and between two pieces of the answer.
TIMEOUT = (5.0, 10.0)
SECRET_PREFIX = "whsec_"  # noqa: S105
USER_AGENT = "portal-redirection"
# All that is given out of IPv6 for hosts of the internet (IANA, "IPv6 Global Unicast Address
# Assignments"); what lies outside may be an IPv4 address in another form, or a site's own.
PUBLIC_IPV6 = ipaddress.ip_network("2000::/3")


@dataclass(frozen=True)
class Outcome:
    """What became of one try: ``problem`` is empty where it was delivered.

    ``is_over``: no other try will do better. ``wait`` is how many seconds the receiver asked for.
    """

    problem: str = ""
    is_over: bool = False
    is_gone: bool = False
    wait: int = 0


@dataclass(frozen=True)
class Call:
    """One call, ready to be made without the store."""

    url: str
    number: str
    body: str
    secrets: tuple[str, ...]


def secrets_of(endpoint: WebhookEndpoint) -> tuple[str, ...]:
    """The secrets that calls to this endpoint are signed with, ``whsec_…``, the present first.

    Derived from SECRET_KEY; one for each of SECRET_KEY_FALLBACKS, so that a receiver can go on
    with the former one until it has the new one.
    """
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    about = f"redirection.webhooks:{endpoint.pk}".encode()
    made = (hmac.new(key.encode(), about, hashlib.sha256).digest() for key in keys)
    return tuple(SECRET_PREFIX + base64.b64encode(secret).decode() for secret in made)


def checked_url(url: str) -> str:
    """``url`` as it may be called. Raises ValidationError.

    Which addresses its name leads to is asked at every call: that may change.
    """
    problem = _url_problem(urlsplit(url))
    if problem:
        raise ValidationError({"url": problem}, code="url")
    return url


def call_of(message: OutgoingMessage) -> Call:
    """The call a message is; its ``endpoint`` is read already."""
    if message.endpoint is None:
        raise TypeError("no webhook")
    body = json.dumps(message.content, ensure_ascii=False, separators=(",", ":"))
    secrets = secrets_of(message.endpoint)
    return Call(message.endpoint.url, f"msg_{message.number.hex}", body, secrets)


def headers_of(call: Call, now: datetime) -> dict[str, str]:
    """The headers of Standard Webhooks for a call that is made ``now``."""
    signatures = [Webhook(secret).sign(call.number, now, call.body) for secret in call.secrets]
    return {
        "Content-Type": "application/json; charset=utf-8",
        "webhook-id": call.number,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def session() -> requests.Session:
    """A session that connects to the very address it has checked, and follows no redirect."""
    made: requests.Session = Manager(
        Config(
            ip_filter_enable=not conf().webhooks_inside,
            ip_filter_allow_loopback_ips=False,
            never_redirect=True,
            default_timeout=TIMEOUT,
            user_agent_override=USER_AGENT,
        )
    ).get_session()
    if not conf().webhooks_inside:
        made.mount("https://", _PublicAddresses(is_https_proto=True))
    # Neither a proxy, which would look names up anew, nor a password from somebody's .netrc.
    made.trust_env = False
    return made


class _PublicAddresses(IPFilterAdapter):  # type: ignore[misc]
    """The library's filter, and of IPv6 nothing but what is public."""

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: Any, cert: Any = None
    ) -> tuple[Any, Any]:
        host, pool = super().build_connection_pool_key_attributes(request, verify, cert)
        # By now the address that is connected to, an IPv6 one in brackets.
        address = ipaddress.ip_address(host["host"].strip("[]"))
        if address.version == PUBLIC_IPV6.version and address not in PUBLIC_IPV6:
            raise InvalidIPAddress(address)
        return host, pool


def deliver(call: Call, by: requests.Session) -> Outcome:
    """Make one call. Nothing of the answer is read but its status and how long to wait."""
    problem = _url_problem(urlsplit(call.url))
    if problem:
        return Outcome(problem)
    headers = headers_of(call, datetime.now(UTC))
    try:
        # Without reading the body, however long it is.
        with by.post(call.url, call.body.encode(), headers=headers, stream=True) as answer:
            status, wait = answer.status_code, answer.headers.get("Retry-After", "")
    except InvalidIPAddress:
        return Outcome("The address leads into a private network.")
    # Not everything that is wrong with a name or an answer is one of the library's own errors.
    except (requests.RequestException, HTTPError, OSError, ValueError) as error:
        return Outcome(type(error).__name__)
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return Outcome()
    return Outcome(
        f"HTTP {status}",
        is_over=status == HTTPStatus.GONE,
        is_gone=status == HTTPStatus.GONE,
        wait=int(wait) if wait.isascii() and wait.isdigit() and len(wait) < 7 else 0,
    )


def _url_problem(url: SplitResult) -> str:
    try:
        has_port = url.port != 0
    except ValueError:
        has_port = False
    if url.scheme not in ("https", "http") or not url.hostname or not has_port:
        return _("Enter an address such as https://hooks.example.com/feedback.")
    if url.scheme == "http" and not conf().webhooks_inside:
        return _("Use https: on the way nobody else may read or change what is sent.")
    if "@" in url.netloc:
        return _("Leave out user name and password: calls are signed instead.")
    return ""
