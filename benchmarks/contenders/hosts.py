"""django-hosts: one URL configuration for each host."""

from __future__ import annotations

from typing import Any

from benchmarks.browsers import Served
from benchmarks.contenders.bare_django import configure, served

_URLS = "benchmarks.contenders.bare_django"
# The package looks for this name, and makes what is in it only by settings.
host_patterns: list[Any] = []


def thousand_hosts() -> Served:
    """The host in the middle of them is asked for."""
    configure(
        INSTALLED_APPS=["django_hosts"],
        MIDDLEWARE=[
            "django_hosts.middleware.HostsRequestMiddleware",
            "django_hosts.middleware.HostsResponseMiddleware",
        ],
        ROOT_HOSTCONF=__name__,
        DEFAULT_HOST="tenant0",
        PARENT_HOST="portal.example.com",
    )
    from django_hosts import host, patterns

    hosts = (host(f"tenant{n}", _URLS, name=f"tenant{n}") for n in range(1000))
    host_patterns.extend(patterns("", *hosts))
    return served(host="tenant500.portal.example.com")
