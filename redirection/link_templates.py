"""Route templates of addresses no table knows: page names without anything personal. Pure."""

from __future__ import annotations

import re

from redirection.link_parts import is_route, split
from redirection.link_rules import segments_of

MOST_WORDS = 3
# Whatever is not one word of a page name: ids, numbers, names with digits or signs.
OTHER = "*"
# Where templates come from outside, so many of them are kept apart a day; the rest is one.
REST = "/*"
_WORD = re.compile(r"[a-z][a-z-]{1,30}")


def template_of(segments: list[str], most: int = MOST_WORDS) -> str:
    """The template of a route's segments (as they are compared), without a leading slash."""
    kept = [part if _WORD.fullmatch(part) else OTHER for part in segments[:most]]
    if len(segments) > most and kept[-1] != OTHER:
        kept.append(OTHER)
    return "/".join(kept)


def template_of_address(path: str, fragment: str) -> str:
    """The template of the page a legacy address means, with a leading slash."""
    fragment = fragment.removeprefix("#")
    route = split(fragment if is_route(fragment) else path)[0]
    return f"/{template_of(segments_of(route)[0])}"
