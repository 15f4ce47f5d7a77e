"""Conformance vectors: bytes that are not ASCII, which some servers do not hand over."""

from __future__ import annotations

from tests.vectors.lines import (
    PAGE,
    begins,
    goes,
    line,
    remembered,
    session,
    session_name,
    stays,
    unread,
)
from tests.vectors.table_of_visits import FETCH, RUNNING, SENT_BACK
from tests.vectors.worlds import HOUR, MINUTE, TIDS, Json

FABRIKAM = {"who": "fabrikam", "host": "fabrikam.portal.localhost"}
LITWARE = {"who": "litware", "host": "litware.portal.localhost"}
# Any script of a site may set such a cookie, and browsers send it as it was set.
LETTER = {"raw": "name=caf\xc3\xa9"}
LETTERS: list[Json] = [
    unread(stays("a letter in a cookie, a session runs", "session_continues",
                 cookies=(RUNNING, LETTER))),
    unread(stays("a letter in a cookie, a session to be renewed", "session_continues",
                 cookies=(LETTER, session(started=-2 * HOUR, seen=-2 * MINUTE)),
                 sets={session_name("contoso"): [-2 * HOUR, 0]})),
    unread(stays("a byte in a cookie that is no letter", "session_continues",
                 cookies=({"raw": "name=\xe9"}, RUNNING))),
    unread(goes("a letter in a cookie, and no session", cookies=(LETTER,))),
    unread(goes("a letter in a cookie, an old browser", cookies=(LETTER,),
                headers={"Accept": PAGE["Accept"]})),
    unread(stays("a letter in a cookie while off", "off", cookies=(LETTER,),
                 sets=begins("fabrikam"), **FABRIKAM), who="fabrikam"),
    unread(stays("a letter in a cookie while off, a session runs", "off",
                 cookies=(session("fabrikam", started=-2 * HOUR, seen=-2 * MINUTE), LETTER),
                 sets={session_name("fabrikam"): [-2 * HOUR, 0]}, **FABRIKAM),
           who="fabrikam"),
    unread(stays("a letter in a cookie, stepped back", "stepped_back",
                 cookies=({"step_back": TIDS["litware"], "number": "0" * 32, "started": -MINUTE,
                           "until": MINUTE}, LETTER), **LITWARE), who="litware"),
    unread(line("a letter in a cookie, a prefetch", "refuse", "ahead_of_time", cookies=(LETTER,),
                headers=PAGE | {"Sec-Purpose": "prefetch"})),
    unread(goes("a letter in a cookie, sent back by the destination", headers=SENT_BACK,
                cookies=(LETTER,), sets=remembered({}) | {"legacy_returns": "1"})),
    unread(stays("a letter in a cookie, a background call", "not_page_load", headers=FETCH,
                 cookies=(session(started=-2 * HOUR, seen=-2 * MINUTE), LETTER),
                 sets={session_name("contoso"): [-2 * HOUR, 0]}), "not_page_load"),
    unread(stays("a letter in a cookie, a form", "not_page_load", method="POST", target="/save",
                 cookies=(LETTER,), sets={"legacy_form": "*"}, form=True), "not_page_load"),
    unread(stays("a letter in a cookie, a service worker", "not_page_load", cookies=(LETTER,),
                 headers=FETCH | {"Sec-Fetch-Mode": "navigate"}, sets=begins("fabrikam"),
                 **FABRIKAM), "not_page_load"),
    unread(stays("a letter in a cookie of the tenant visited last", "unknown_tenant",
                 host="portal.localhost", cookies=({"raw": "legacy_tenant=\xe9"},)),
           "unknown_tenant"),
    unread(stays("a letter in a cookie, a secure session", "session_continues", world="secure",
                 cookies=(RUNNING, LETTER))),
    unread(goes("a letter in a cookie, the store does not answer", world="stale",
                cookies=(LETTER,))),
    stays("nothing is known yet, a letter in a cookie", "nothing_known", world="unread",
          cookies=(LETTER,)),
]  # fmt: skip
