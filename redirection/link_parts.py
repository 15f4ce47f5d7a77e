"""The parts of a legacy address, taken apart and joined again without changing what they say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import quote, unquote, unquote_plus

# A page path or query as a browser sends it; everything else is percent-encoded. The percent
# sign is kept, so what is already encoded (once or twice) arrives as it was.
UNCHANGED = "%!$&'()*+,-./:;=?@_~"
_ENCODED_SLASH = re.compile(r"%(?:25)?2f", re.IGNORECASE)
_PARAMETER = re.compile(r"[^&]+")
_EMPTY_PARAMETER = re.compile(r"(?:\A|&)(?:&|\Z)")


def is_route(fragment: str) -> bool:
    """Whether ``fragment`` (without ``#``) is a hash route and no place within a page."""
    return fragment.startswith(("/", "!/")) or bool(_ENCODED_SLASH.match(fragment))


def split(address: str) -> tuple[str, str]:
    """Route and query of a hash route or path, with the traps of real links undone."""
    # Mailers and ticket systems encode the whole fragment, sometimes twice.
    for _ in range(2):
        if not _ENCODED_SLASH.match(address):
            break
        address = unquote(address)
    # Raw CEF logs escape "=" as "\=".
    address = address.replace("\\=", "=").removeprefix("!")
    route, _, query = address.partition("?")
    return route, query


def parameters_of(query: str) -> Iterator[str]:
    """Each parameter of ``query`` as it stands there; empty ones are left out."""
    return (match.group() for match in _PARAMETER.finditer(query))


def name_of(parameter: str) -> str:
    """The name of a parameter, as it stands there."""
    return parameter.partition("=")[0]


def read_name(parameter: str) -> str:
    """The name of a parameter as it reads, whichever of its letters are percent-encoded."""
    return unquote_plus(name_of(parameter))


def joined(own: str, page: str) -> str:
    """The route's own parameters, then those of the page that it does not have itself."""
    if not page:
        return own
    if not own and not _EMPTY_PARAMETER.search(page):
        return page
    names = {read_name(parameter) for parameter in parameters_of(own)}
    extra = [part for part in parameters_of(page) if read_name(part) not in names]
    return "&".join([own, *extra] if own else extra)


def clean(text: str) -> str:
    """``text`` with everything percent-encoded that no address has; what is encoded stays."""
    return quote(text, safe=UNCHANGED, errors="replace")


def address(target: str, parameters: str) -> str:
    """``target`` (path and query) with ``parameters`` added that it does not have itself."""
    path, _, own = target.partition("?")
    parameters = joined(own, parameters)
    return f"{path}?{clean(parameters)}" if parameters else path
