"""The decision: does this request stay on the legacy portal or go to the destination?

Pure: facts in, a value with a reason out. No clock, no store, no Django.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


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


# Named tuples: they are made for every request, and a frozen dataclass takes thrice as long.
class Facts(NamedTuple):
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


class Decision(NamedTuple):
    """Stay or go, and why. ``revision`` is the tenant's, 0 where no tenant is known.

    ``refuse``: neither; the browser asks again when somebody really opens the page.
    """

    reason: Reason
    go: bool = False
    revision: int = 0
    refuse: bool = False


_NOT_LEGACY = Decision(Reason.NOT_LEGACY)
_EXEMPT = Decision(Reason.EXEMPT)
_NOT_PAGE_LOAD = Decision(Reason.NOT_PAGE_LOAD)
_NOTHING_KNOWN = Decision(Reason.NOTHING_KNOWN)
_UNKNOWN_TENANT = Decision(Reason.UNKNOWN_TENANT)


def decide(facts: Facts) -> Decision:
    """Stay, go or refuse, with the reason."""
    decision = _stay_or_go(facts)
    if decision.go and facts.sent_back:
        return Decision(Reason.LOOP_STOPPED, revision=decision.revision)
    begins = decision.reason is Reason.OFF and not facts.session_runs
    if facts.ahead_of_time and (decision.go or begins):
        # A page kept for later would not know of a switch, and would have begun no session.
        return Decision(Reason.AHEAD_OF_TIME, revision=decision.revision, refuse=True)
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
        return Decision(Reason.COOKIES_UNREADABLE, revision=tenant.revision)
    if not tenant.on:
        return Decision(Reason.OFF, revision=tenant.revision)
    if not facts.destination:
        return Decision(Reason.NO_DESTINATION, revision=tenant.revision)
    return _by_visit(facts, tenant)


def _by_visit(facts: Facts, tenant: Tenant) -> Decision:
    # Before the session: it holds for new tabs too.
    if facts.stepped_back:
        return Decision(Reason.STEPPED_BACK, revision=tenant.revision)
    session = facts.session
    if session is None or session.tid != tenant.tid or session.started >= tenant.since:
        return Decision(Reason.NEW_SESSION, go=True, revision=tenant.revision)
    if not facts.session_runs:
        return Decision(Reason.SESSION_ENDED, go=True, revision=tenant.revision)
    return Decision(Reason.SESSION_CONTINUES, revision=tenant.revision)


def is_exempt(path: str, exempt_paths: tuple[str, ...]) -> bool:
    """Whether ``path`` is one of ``exempt_paths`` (each with a trailing slash) or below it."""
    return path.startswith(exempt_paths) or f"{path}/" in exempt_paths
