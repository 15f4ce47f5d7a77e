"""The decision: does this request stay on the legacy portal or go to the destination?

Pure: facts in, a value with a reason out. No clock, no store, no Django.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from redirection.memories import Memory


class Stage(StrEnum):
    """Where the roll-out stands for a tenant."""

    OPT_IN = "opt_in"
    OPT_OUT = "opt_out"
    FORCED = "forced"


class Setting(StrEnum):
    """A tenant's own choice."""

    NOT_SET = "not_set"
    ON = "on"
    OFF = "off"


class Reason(StrEnum):
    """Why a request stays or goes."""

    NOT_LEGACY = "not_legacy"
    EXEMPT = "exempt"
    NOT_PAGE_LOAD = "not_page_load"
    NOTHING_KNOWN = "nothing_known"
    UNKNOWN_TENANT = "unknown_tenant"
    COOKIES_UNREADABLE = "cookies_unreadable"
    NO_DESTINATION = "no_destination"
    OFF = "off"
    STEPPED_BACK = "stepped_back"
    SESSION_CONTINUES = "session_continues"
    SESSION_ENDED = "session_ended"
    NEW_SESSION = "new_session"
    LOOP_STOPPED = "loop_stopped"
    AHEAD_OF_TIME = "ahead_of_time"


def redirection_is_on(stage: str, setting: str) -> bool:
    """The effective mode: stage of the roll-out x the tenant's own choice."""
    if stage == Stage.FORCED:
        return True
    if setting == Setting.NOT_SET:
        return stage == Stage.OPT_OUT
    return setting == Setting.ON


@dataclass(frozen=True, slots=True)
class Tenant:
    """What a worker holds in memory about one tenant.

    ``tid`` is the directory's tenant id (lower-case UUID text), ``since`` the moment the
    effective mode last changed, in milliseconds since the epoch. ``step_back_since`` is the
    moment since which its people may step back for one task; None where they may not.
    """

    tid: str
    name: str
    cloud: str
    on: bool
    since: int
    revision: int
    step_back_since: int | None = None


@dataclass(frozen=True, slots=True)
class LegacySession:
    """A visit to the legacy portal already under way; times in milliseconds since the epoch."""

    tid: str
    started: int
    seen: int

    def is_running(self, now: int, idle: int, limit: int) -> bool:
        """Whether it still runs at ``now``, given idle time-out and limit in milliseconds."""
        return now - self.seen <= idle and now - self.started <= limit


# Made for every request, and frozen it would take thrice as long. Whoever has many of the facts
# names them by their place, which takes half as long.
@dataclass(slots=True)
class Facts:
    """Everything the decision rests on.

    ``loaded`` is False while the worker has never read the settings; ``destination`` is False
    where no origin is configured for the tenant's cloud; ``session`` is the verified cookie of
    this tenant, running or not; ``session_runs`` is judged by the clock. ``stepped_back``: a
    step back of this tenant runs in the browser. ``sent_back``: the destination by itself sent
    this browser back too often. ``ahead_of_time``: a prefetch or prerender of a page.
    ``cookies_unreadable``: the browser sent cookies, and none of them arrived.
    """

    legacy: bool
    exempt: bool = False
    page_load: bool = True
    loaded: bool = True
    tenant: Tenant | None = None
    destination: bool = True
    session: LegacySession | None = None
    session_runs: bool = False
    stepped_back: bool = False
    sent_back: bool = False
    ahead_of_time: bool = False
    cookies_unreadable: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """Stay or go, and why. ``revision`` is the tenant's, 0 where no tenant is known.

    ``refuse``: neither; the browser asks again when somebody really opens the page. ``text`` is
    reason and revision as an RFC 8941 item: ``new_session;revision=41``.
    """

    reason: Reason
    go: bool = False
    revision: int = 0
    refuse: bool = False
    text: str = field(init=False, compare=False)

    def __post_init__(self) -> None:
        revision = f";revision={self.revision}" if self.revision else ""
        object.__setattr__(self, "text", f"{self.reason}{revision}")


# All requests of a tenant are answered with the same few values: so many of them are kept.
_KEPT = 4096


def _of_revision(
    reason: Reason, *, go: bool = False, refuse: bool = False
) -> Memory[int, Decision]:
    """Decisions for one reason, by the tenant's revision."""
    return Memory(lambda revision: Decision(reason, go, revision, refuse), _KEPT)


_NOT_LEGACY = Decision(Reason.NOT_LEGACY)
_EXEMPT = Decision(Reason.EXEMPT)
_NOT_PAGE_LOAD = Decision(Reason.NOT_PAGE_LOAD)
_NOTHING_KNOWN = Decision(Reason.NOTHING_KNOWN)
_UNKNOWN_TENANT = Decision(Reason.UNKNOWN_TENANT)
_cookies_unreadable = _of_revision(Reason.COOKIES_UNREADABLE)
_off = _of_revision(Reason.OFF)
_no_destination = _of_revision(Reason.NO_DESTINATION)
_stepped_back = _of_revision(Reason.STEPPED_BACK)
_new_session = _of_revision(Reason.NEW_SESSION, go=True)
_session_ended = _of_revision(Reason.SESSION_ENDED, go=True)
_session_continues = _of_revision(Reason.SESSION_CONTINUES)
_loop_stopped = _of_revision(Reason.LOOP_STOPPED)
_ahead_of_time = _of_revision(Reason.AHEAD_OF_TIME, refuse=True)
# To name a member takes longer than to compare with it.
_OFF = Reason.OFF


def decide(facts: Facts) -> Decision:
    """Stay, go or refuse, with the reason."""
    decision = _stay_or_go(facts)
    if facts.sent_back and decision.go:
        return _loop_stopped[decision.revision]
    if facts.ahead_of_time:
        begins = decision.reason is _OFF and not facts.session_runs
        if decision.go or begins:
            # A page kept for later would not know of a switch, and would have begun no session.
            return _ahead_of_time[decision.revision]
    return decision


def _stay_or_go(facts: Facts) -> Decision:
    # The cheapest exit comes first.
    if not facts.legacy:
        return _NOT_LEGACY
    if facts.exempt:
        return _EXEMPT
    if not facts.page_load:
        return _NOT_PAGE_LOAD
    if not facts.loaded:
        return _NOTHING_KNOWN
    tenant = facts.tenant
    if tenant is None:
        return _UNKNOWN_TENANT
    if facts.cookies_unreadable:
        # A session may run, and nobody is ejected on a guess.
        return _cookies_unreadable[tenant.revision]
    if not tenant.on:
        return _off[tenant.revision]
    if not facts.destination:
        return _no_destination[tenant.revision]
    return _by_visit(facts, tenant)


def _by_visit(facts: Facts, tenant: Tenant) -> Decision:
    # Before the session: it holds for new tabs too.
    if facts.stepped_back:
        return _stepped_back[tenant.revision]
    session = facts.session
    if session is None or session.tid != tenant.tid or session.started >= tenant.since:
        return _new_session[tenant.revision]
    if not facts.session_runs:
        return _session_ended[tenant.revision]
    return _session_continues[tenant.revision]


def is_exempt(path: str, exempt_paths: tuple[str, ...]) -> bool:
    """Whether ``path`` is one of ``exempt_paths`` (each with a trailing slash) or below it."""
    return path.startswith(exempt_paths) or f"{path}/" in exempt_paths
