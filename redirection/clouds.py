"""The clouds of both portals, as REDIRECTION_CLOUDS names them: domains and origins. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

# The clouds of the document and of the facts on the portals, "Hosts".
DEFAULT_CLOUDS: dict[str, dict[str, Any]] = {
    "commercial": {
        "legacy": ["portal.cloudappsecurity.com", "cloudappsecurity.com"],
        "destination": "https://security.microsoft.com",
    },
    "gcc": {
        "legacy": ["portal.cloudappsecuritygov.com"],
        "destination": "https://security.microsoft.com",
    },
    "gcc-high": {
        "legacy": ["portal.cloudappsecurity.us"],
        "destination": "https://security.microsoft.us",
    },
}


def cloud_problems(clouds: object) -> list[str]:
    """What is wrong with a value for REDIRECTION_CLOUDS, a sentence each; none if it is right."""
    if not isinstance(clouds, Mapping) or not clouds:
        return ["not a JSON object with at least one cloud"]
    problems = []
    for key, cloud in clouds.items():
        if not isinstance(cloud, Mapping) or set(cloud) != {"legacy", "destination"}:
            problems.append(f"{key!r} needs exactly the keys legacy and destination")
            continue
        if not _is_origin(cloud["destination"]):
            problems.append(f"{key!r}: destination {cloud['destination']!r} is not an origin")
        domains = cloud["legacy"]
        if not isinstance(domains, list) or not domains or not all(map(_is_domain, domains)):
            problems.append(f"{key!r}: legacy {domains!r} is not a list of host names")
    return problems


def _is_origin(value: object) -> bool:
    if not isinstance(value, str):
        return False
    scheme, separator, rest = value.partition("://")
    return scheme in ("http", "https") and bool(separator) and _is_domain(rest, port=True)


# RFC 1123, 2.1, in lower case; an origin may add a port.
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_ORIGIN = re.compile(rf"{_DOMAIN.pattern}(?::[0-9]{{1,5}})?")


def _is_domain(value: object, *, port: bool = False) -> bool:
    if not isinstance(value, str):
        return False
    return bool((_ORIGIN if port else _DOMAIN).fullmatch(value))
