"""The hosts and origins that follow from the configured clouds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured


@dataclass(frozen=True)
class CloudOrigins:
    """Where this site answers, and where its forms may lead."""

    https: bool
    destinations: list[str]
    legacy: list[str]
    allowed_hosts: list[str]

    @classmethod
    def of(cls, clouds: Mapping[str, Mapping[str, Any]]) -> CloudOrigins:
        """The origins of ``REDIRECTION_CLOUDS``. ImproperlyConfigured when http and https mix."""
        destinations = sorted({cloud["destination"] for cloud in clouds.values()})
        domains = [domain for cloud in clouds.values() for domain in cloud["legacy"]]
        addresses = [urlsplit(origin) for origin in destinations]
        schemes = {address.scheme for address in addresses}
        if len(schemes) > 1:
            raise ImproperlyConfigured(
                "REDIRECTION_CLOUDS mixes http and https. Accepted: one scheme."
            )
        # After a form the browser may be led to the domain, or to a tenant's host below it.
        hosts = [host for domain in domains for host in (domain, f"*.{domain}")]
        https = schemes == {"https"}
        return cls(
            https=https,
            destinations=destinations,
            legacy=[f"{'https' if https else 'http'}://{host}:*" for host in hosts],
            # A leading dot takes the domain and every tenant and region host below it.
            allowed_hosts=[str(address.hostname) for address in addresses]
            + [f".{domain}" for domain in domains],
        )
