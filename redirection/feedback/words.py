"""What people type, as it is kept: nothing unseen in it, and nothing that turns its direction."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import urlsplit

from redirection.models.feedback import PAGE_LENGTH
from redirection.models.reasons import one_line

_SURROGATES = re.compile(r"[\ud800-\udfff]")


def plain_text(text: str) -> str:
    """``text`` with its line breaks and nothing else that is not seen, whole characters only."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    lines = (line.replace("\t", "    ") for line in _whole(text).split("\n"))
    return "\n".join(_indent(line) + one_line(line) for line in lines).strip()


def plain_page(page: str) -> str:
    """``page`` on one line; of a whole address only what follows the origin."""
    page = one_line(_whole(page))
    if page.lower().startswith(("https://", "http://")):
        try:
            origin = urlsplit(page)._replace(path="", query="", fragment="").geturl()
        except ValueError:
            return page
        page = page[len(origin) :] or "/"
    return page


def page_asked(about: str) -> str:
    """``about`` if it is path, query and fragment of a page, else "/".

    No second slash and no backslash, which browsers read as the start of a host (URL standard,
    "basic URL parser"), and nothing that is not seen.
    """
    if not about.startswith("/") or about.startswith("//") or "\\" in about:
        return "/"
    unseen = any(unicodedata.category(character)[0] == "C" for character in about)
    return "/" if unseen or len(about) > PAGE_LENGTH else about


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip(" "))]


def _whole(text: str) -> str:
    # Half a character cannot be stored, and arrives only from whoever means to break something.
    return _SURROGATES.sub("\ufffd", text)
