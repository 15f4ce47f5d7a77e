"""Loops: a destination that by itself sends people back to the legacy page they came from.

The browser keeps count in a cookie of half a minute, because no server can tell whose tab is
whose. Only loads nobody clicked for count, so many tabs opened at once are no loop.
"""

from __future__ import annotations

from collections.abc import Mapping

from redirection.conf import Conf
from redirection.set_cookies import Cookie

# The third time in a row the legacy page is shown.
MOST_RETURNS = 2
_SECONDS = 30


def returns(conf: Conf, cookies: Mapping[str, str]) -> int:
    """How often this browser was sent back within half a minute of the time before."""
    value = cookies.get(_cookie(conf), "")
    return int(value) if len(value) == 1 and value in "123456789" else 0


def was_sent_back(meta: Mapping[str, str], destination: str) -> bool:
    """Whether a page of the origin ``destination`` sent the browser here by itself.

    ``meta`` are the headers of the request, named as in WSGI. A destination that keeps its
    address to itself is known by Fetch Metadata: another site navigates, and nobody clicked.
    """
    if "HTTP_SEC_FETCH_USER" in meta and meta["HTTP_SEC_FETCH_USER"] == "?1":
        return False
    referrer = meta["HTTP_REFERER"] if "HTTP_REFERER" in meta else ""  # noqa: SIM401 (twice as fast)
    if referrer:
        return f"{referrer}/".startswith(f"{destination}/")
    if "HTTP_SEC_FETCH_SITE" not in meta:
        return False
    return meta["HTTP_SEC_FETCH_SITE"] in ("cross-site", "same-site")


def counting(conf: Conf, count: int) -> Cookie:
    """The cookie that keeps ``count`` returns in the browser for half a minute."""
    return Cookie(_cookie(conf), str(min(count, 9)), "", conf.session_cookie_secure, _SECONDS)


def _cookie(conf: Conf) -> str:
    # __Host-: no other host of the domain can leave one here.
    return f"{'__Host-' if conf.session_cookie_secure else ''}legacy_returns"
