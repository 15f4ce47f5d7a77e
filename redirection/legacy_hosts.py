"""Which host names belong to the legacy portal, and what they name.

Shapes: the domain itself, ``<tenant>.<domain>`` and ``<tenant>.<region>.<domain>``
(facts on the portals, "Hosts").
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from redirection.memories import Memory

_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\Z")
_PORT = re.compile(r":[0-9]{0,5}\Z")
# RFC 1035, 2.3.4: a name has at most 253 visible characters.
_LONGEST_NAME = 253
# A dot, a colon and a port on top.
_LONGEST_HOST = _LONGEST_NAME + 7


class LegacyHost(NamedTuple):
    """A host name of the legacy portal, taken apart.

    ``cloud`` is the key of the configured cloud, ``domain`` the configured domain the
    name ends in; ``tenant`` and ``region`` are labels, or None where the name has none.
    """

    cloud: str
    domain: str
    tenant: str | None = None
    region: str | None = None


class LegacyHosts:
    """The configured domains of the legacy portal.

    ``domains`` maps each domain to the key of its cloud; ``regions`` are the labels that
    name a data region and therefore never a tenant. ``known`` are the hosts as ``parse`` says,
    for whoever asks with every request.
    """

    __slots__ = ("_domains", "_lengths", "_regions", "known")

    def __init__(self, domains: Mapping[str, str], regions: Iterable[str]) -> None:
        self._domains = {domain.lower(): cloud for domain, cloud in domains.items()}
        # The longest domain wins: portal.example.com is not tenant "portal" of example.com.
        self._lengths = sorted({domain.count(".") + 1 for domain in self._domains}, reverse=True)
        self._regions = frozenset(region.lower() for region in regions)
        # Few names are asked for again and again.
        self.known: Memory[str, LegacyHost | None] = Memory(self._parsed, 4096, _LONGEST_HOST)

    def parse(self, host: str) -> LegacyHost | None:
        """The parts of ``host`` (a Host header value), or None if it is not a legacy host."""
        return self.known[host]

    def _parsed(self, host: str) -> LegacyHost | None:
        if len(host) > _LONGEST_HOST:
            return None
        name = _PORT.sub("", host).lower().removesuffix(".")
        if len(name) > _LONGEST_NAME:
            return None
        labels = name.split(".")
        for length in self._lengths:
            domain = ".".join(labels[-length:])
            cloud = self._domains.get(domain)
            if cloud is not None:
                return self._below(cloud, domain, labels[:-length])
        return None

    def _below(self, cloud: str, domain: str, labels: list[str]) -> LegacyHost | None:
        if not all(_LABEL.match(label) for label in labels):
            return None
        match labels:
            case []:
                return LegacyHost(cloud, domain)
            case [region] if region in self._regions:
                return LegacyHost(cloud, domain, region=region)
            case [tenant]:
                return LegacyHost(cloud, domain, tenant=tenant)
            case [tenant, region] if region in self._regions and tenant not in self._regions:
                return LegacyHost(cloud, domain, tenant=tenant, region=region)
            case _:
                return None
