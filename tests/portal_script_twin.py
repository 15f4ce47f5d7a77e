"""What portal.js of the app does, in Python: a browser test holds the two together."""

from __future__ import annotations

import re
from html import unescape

KEY = "redirection.tab-began"
_ATTRIBUTE = re.compile(r' data-([a-z-]+)(?:="([^"]*)")?')


def attributes(page: str) -> dict[str, str] | None:
    """The data of the portal script in a page, by name; None where the page has none."""
    tag = re.search(r"<script [^>]*portal[^>]*>", page)
    if tag is None:
        return None
    return {name: unescape(value) for name, value in _ATTRIBUTE.findall(tag[0])}


def moves_on(
    data: dict[str, str],
    storage: dict[str, str] | None,
    *,
    history_length: int,
    has_opener: bool = False,
    framed: bool = False,
) -> bool:
    """Whether the tab leaves the page. ``storage`` is its sessionStorage, None if blocked."""
    if framed:
        return False
    moves = "go" in data
    if storage is not None:
        carries_on = "carries-on" in data and (history_length > 1 or has_opener)
        began = "0" if carries_on else storage.get(KEY, data["now"])
        moves = moves or ("since" in data and int(began) >= int(data["since"]))
        if not moves:
            storage[KEY] = began
    return moves
