"""Conformance vectors: who is moved, by stage, session, step back, loop and form."""

from __future__ import annotations

from typing import Any

from tests.vectors.lines import (
    PAGE,
    begins,
    goes,
    hand_over,
    line,
    session,
    session_name,
    stays,
    tenant,
)
from tests.vectors.worlds import (
    FORMER_KEY,
    GOV_DESTINATION,
    HOUR,
    MINUTE,
    OTHER_KEY,
    SECOND,
    TIDS,
    Json,
)

# Begun before the switch an hour ago, and seen a moment ago.
RUNNING = session(started=-2 * HOUR, seen=-10 * SECOND)
SENT_BACK = {name: value for name, value in PAGE.items() if name != "Sec-Fetch-User"} | {
    "Sec-Fetch-Site": "cross-site",
    "Referer": "http://security.localhost/",
}
FETCH = {"Accept": "*/*", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}
NUMBER = "0123456789abcdef0123456789abcdef"


def _of(who: str, label: str = "portal") -> dict[str, Any]:
    return {"who": who, "host": f"{who}.{label}.localhost"}


MODES: list[Json] = [
    goes("opt-in, switched on"),
    stays("opt-in, not set", "off", sets=begins("fabrikam"), **_of("fabrikam")),
    goes("opt-out, not set", **_of("adatum")),
    stays("opt-out, switched off", "off", sets=begins("northwind"), **_of("northwind")),
    goes("forced, switched off before", **_of("tailspin")),
    goes(
        "another cloud has another destination",
        f"{GOV_DESTINATION}/cloudapps/activity-log",
        who="woodgrove", host="woodgrove.portal.gov.localhost",
    ),
    stays("a cloud without a destination", "no_destination", **_of("lunar")),
    stays("a disabled tenant", "unknown_tenant", **_of("wingtip")),
    stays("a tenant nobody knows", "unknown_tenant", host="nobody.portal.localhost"),
    stays("the bare domain names nobody", "unknown_tenant", host="portal.localhost"),
    stays("the destination", "not_legacy", host="security.localhost"),
    stays("a host of somebody else", "not_legacy", host="evil.example"),
]  # fmt: skip

SESSIONS: list[Json] = [
    stays("a session from before the switch goes on", "session_continues", cookies=(RUNNING,)),
    goes("a session that began after the switch", cookies=(session(started=-10 * MINUTE),)),
    goes("a session that began at the very switch", cookies=(session(started=-HOUR),)),
    stays(
        "a session that began a millisecond before", "session_continues", still=True,
        cookies=(session(started=-HOUR - 1),),
    ),
    stays(
        "seen a minute ago: not renewed yet", "session_continues", still=True,
        cookies=(session(started=-2 * HOUR, seen=-MINUTE),),
    ),
    stays(
        "seen longer ago: renewed", "session_continues",
        cookies=(session(started=-2 * HOUR, seen=-MINUTE - 1),),
        sets={session_name("contoso"): [-2 * HOUR, 0]},
    ),
    stays(
        "at the idle time-out", "session_continues", still=True,
        cookies=(session(started=-2 * HOUR, seen=-HOUR),),
        sets={session_name("contoso"): [-2 * HOUR, 0]},
    ),
    goes(
        "past the idle time-out", reason="session_ended",
        cookies=(session(started=-2 * HOUR, seen=-HOUR - 1),),
    ),
    stays(
        "at the limit", "session_continues", still=True,
        cookies=(session(started=-12 * HOUR, seen=-SECOND),),
    ),
    goes(
        "past the limit", reason="session_ended",
        cookies=(session(started=-12 * HOUR - 1, seen=-SECOND),),
    ),
    stays(
        "while off a running session goes on", "off", **_of("fabrikam"),
        cookies=(session("fabrikam", started=-2 * HOUR, seen=-SECOND),),
    ),
    stays(
        "while off an ended one begins anew", "off", **_of("fabrikam"),
        cookies=(session("fabrikam", started=-2 * HOUR, seen=-HOUR - 1),),
        sets=begins("fabrikam"),
    ),
    stays(
        "signed with a former key", "session_continues",
        cookies=(RUNNING | {"secret_key": FORMER_KEY},),
    ),
    goes("signed by somebody else", cookies=(RUNNING | {"secret_key": OTHER_KEY},)),
    goes("signed for another tenant", cookies=(RUNNING | {"signed_for": TIDS["fabrikam"]},)),
    goes(
        "another tenant's session",
        cookies=(session("fabrikam", started=-2 * HOUR, seen=-SECOND),),
    ),
    goes("a moment changed by hand", cookies=(RUNNING | {"forged": [".", ".0"]},)),
    goes("no session at all", cookies=({"raw": f"{session_name('contoso')}=1.2"},)),
    goes("an empty session", cookies=({"raw": f"{session_name('contoso')}="},)),
    goes("a session of 9,000 bytes", cookies=({"raw": f"{session_name('contoso')}={'1' * 7000}"},)),
    goes("broken cookies beside it", cookies=({"raw": '=; ;; a=b=c; "; legacy_tenant'},)),
    stays(
        "two tenants in one browser", "session_continues",
        cookies=(session("fabrikam", started=-MINUTE), RUNNING),
    ),
    goes("somebody who has been here before", cookies=(tenant(),)),
    goes("somebody who was elsewhere before", cookies=(tenant("fabrikam"),)),
    stays("off, been here before", "off", **_of("fabrikam"), cookies=(tenant("fabrikam"),),
          sets=begins("fabrikam")),
    stays(
        "a background call renews", "not_page_load", headers=FETCH,
        cookies=(session(started=-2 * HOUR, seen=-2 * MINUTE),),
        sets={session_name("contoso"): [-2 * HOUR, 0]},
    ),
    stays("a background call begins none", "not_page_load", headers=FETCH, **_of("fabrikam")),
    stays(
        "a background call revives none", "not_page_load", headers=FETCH,
        cookies=(session(started=-3 * HOUR, seen=-2 * HOUR),),
    ),
    stays(
        "a background call to the API renews", "exempt", headers=FETCH, target="/api/v1/alerts",
        cookies=(session(started=-2 * HOUR, seen=-2 * MINUTE),),
        sets={session_name("contoso"): [-2 * HOUR, 0]},
    ),
]  # fmt: skip


def _step_back(started: int, until: int, who: str = "litware") -> Json:
    return {"step_back": TIDS[who], "number": NUMBER, "started": started, "until": until}


DETOURS: list[Json] = [
    stays("stepped back", "stepped_back", **_of("litware"), cookies=(_step_back(-MINUTE, HOUR),)),
    goes("a step back that has ended", **_of("litware"), cookies=(_step_back(-HOUR, 0),)),
    goes(
        "a step back from before it was allowed", **_of("litware"),
        cookies=(_step_back(-2 * HOUR - 1, HOUR),),
    ),
    goes("a step back nobody allows", cookies=(_step_back(-MINUTE, HOUR, "contoso"),)),
    goes(
        "a step back signed by somebody else", **_of("litware"),
        cookies=(_step_back(-MINUTE, HOUR) | {"secret_key": OTHER_KEY},),
    ),
    goes("another tenant's step back", cookies=(_step_back(-MINUTE, HOUR, "litware"),)),
    goes(
        "sent back for the first time", headers=SENT_BACK,
        sets={"legacy_tenant": TIDS["contoso"], "legacy_returns": "1"},
    ),
    goes(
        "sent back for the second time", headers=SENT_BACK, cookies=({"returns": "1"},),
        sets={"legacy_tenant": TIDS["contoso"], "legacy_returns": "2"},
    ),
    stays(
        "sent back for the third time", "loop_stopped", headers=SENT_BACK,
        cookies=({"returns": "2"},), sets={"legacy_returns": "3"},
    ),
    goes("a click is no return", headers=PAGE | {"Referer": "http://security.localhost/"},
         cookies=({"returns": "2"},)),
    goes("a count nobody wrote", headers=SENT_BACK, cookies=({"returns": "x"},),
         sets={"legacy_tenant": TIDS["contoso"], "legacy_returns": "1"}),
    goes("sent on by somebody else", headers=SENT_BACK | {"Referer": "http://login.example/"}),
    stays("sent back while off", "off", headers=SENT_BACK, sets=begins("fabrikam"),
          **_of("fabrikam")),
    stays("a form whose answer sends on", "not_page_load", method="POST", target="/save",
          sets={"legacy_form": "*"}, form=True),
    stays("a form whose answer is a page", "not_page_load", method="POST", target="/search",
          form=True),
    stays("a form while off", "not_page_load", method="POST", target="/save", **_of("fabrikam")),
    line("the page after a form", "lead_on", "new_session", cookies=({"form": -SECOND},),
         location="http://security.localhost/cloudapps/activity-log"),
    line("the start page after a form", "lead_on", "new_session", cookies=({"form": -SECOND},),
         target="/", location=f"http://security.localhost{hand_over()}"),
    goes("a form from long ago", cookies=({"form": -30 * SECOND},)),
    goes("a form nobody sent", cookies=({"form": 0, "secret_key": OTHER_KEY},)),
    stays("after a form a session goes on", "session_continues",
          cookies=(RUNNING, {"form": -SECOND})),
]  # fmt: skip

STATES: list[Json] = [
    goes("the store does not answer", world="stale"),
    stays("the store does not answer, off", "off", world="stale", sets=begins("fabrikam"),
          **_of("fabrikam")),
    stays("nothing is known yet", "nothing_known", world="unread"),
    stays("nothing is known yet, a background call", "not_page_load", world="unread",
          headers=FETCH),
    stays("nothing is known yet, a session runs", "nothing_known", world="unread",
          cookies=(RUNNING,)),
    goes("secure cookies have secure names", world="secure"),
    stays("a secure session goes on", "session_continues", world="secure", cookies=(RUNNING,)),
    goes("a session under the insecure name is none", world="secure",
         cookies=({"raw": f"legacy_tenant={TIDS['contoso']}; {session_name('contoso')}=1.2.3"},)),
    stays("a secure session begins", "off", world="secure", **_of("fabrikam"),
          sets={session_name("fabrikam", "__Secure-"): [0, 0]}),
]  # fmt: skip

VISITS: list[Json] = [*MODES, *SESSIONS, *DETOURS, *STATES]
