"""Headers on Django's responses whose names and values are known to be well-formed."""

from __future__ import annotations

from collections.abc import Iterable

from django.http import HttpResponseBase


def put(response: HttpResponseBase, headers: Iterable[tuple[str, str]]) -> None:
    """``response[name] = value`` for headers whose names are constants of this project.

    Django encodes names and values to see whether they can be, which takes as long as a third of
    the decision. Line breaks are left to it, which refuses them, and whatever is no plain ASCII.
    """
    known = response.headers._store  # noqa: SLF001
    for header in headers:
        name, value = header
        if value.isascii() and "\n" not in value and "\r" not in value:
            known[name.lower()] = header
        else:
            response[name] = value


def has_cache_control(response: HttpResponseBase) -> bool:
    """Whether there is a Cache-Control: where there is none, Django takes its time to say so."""
    return "cache-control" in response.headers._store  # noqa: SLF001
