"""The decision: does this request stay on the legacy portal or go to the destination?

Pure: facts in, a value with a reason out. No clock, no store, no Django.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


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
    NO_DESTINATION = "no_destination"
    OFF = "off"
    SESSION_CONTINUES = "session_continues"
    SESSION_ENDED = "session_ended"
    NEW_SESSION = "new_session"


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
    effective mode last changed, in milliseconds since the epoch.
    """

    tid: str
    name: str
    cloud: str
    on: bool
    since: int
    revision: int


@dataclass(frozen=True, slots=True)
class LegacySession:
    """A visit to the legacy portal already under way; times in milliseconds since the epoch."""

    tid: str
    started: int
    seen: int

    def is_running(self, now: int, idle: int, limit: int) -> bool:
        """Whether it still runs at ``now``, given idle time-out and limit in milliseconds."""
        return now - self.seen <= idle and now - self.started <= limit


@dataclass(frozen=True, slots=True)
class PageLoadHints:
    """What a request says about itself; None where the header is missing."""

    method: str
    fetch_mode: str | None = None
    fetch_dest: str | None = None
    requested_with: str | None = None
    accept: str | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything the decision rests on.

    ``loaded`` is False while the worker has never read the settings; ``destination`` is False
    where no origin is configured for the tenant's cloud; ``session`` is the verified cookie of
    this tenant, running or not; ``session_runs`` is judged by the clock.
    """

    legacy: bool
    exempt: bool = False
    page_load: bool = True
    loaded: bool = True
    tenant: Tenant | None = None
    destination: bool = True
    session: LegacySession | None = None
    session_runs: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """Stay or go, and why. ``revision`` is the tenant's, 0 where no tenant is known."""

    reason: Reason
    go: bool = False
    revision: int = 0


_NOT_LEGACY = Decision(Reason.NOT_LEGACY)
_EXEMPT = Decision(Reason.EXEMPT)
_NOT_PAGE_LOAD = Decision(Reason.NOT_PAGE_LOAD)
_NOTHING_KNOWN = Decision(Reason.NOTHING_KNOWN)
_UNKNOWN_TENANT = Decision(Reason.UNKNOWN_TENANT)


def decide(facts: Facts) -> Decision:
    """Stay or go, with the reason. The cheapest exit comes first."""
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
    if not tenant.on:
        return Decision(Reason.OFF, revision=tenant.revision)
    if not facts.destination:
        return Decision(Reason.NO_DESTINATION, revision=tenant.revision)
    session = facts.session
    if session is None or session.tid != tenant.tid or session.started >= tenant.since:
        return Decision(Reason.NEW_SESSION, go=True, revision=tenant.revision)
    if not facts.session_runs:
        return Decision(Reason.SESSION_ENDED, go=True, revision=tenant.revision)
    return Decision(Reason.SESSION_CONTINUES, revision=tenant.revision)


def is_page_load(hints: PageLoadHints) -> bool:
    """Whether a browser asks for a page of its own in a tab (promise 1).

    With ``Sec-Fetch-*`` the browser says so itself (Fetch Metadata). Without, a request
    counts when it is not marked as a background call and takes HTML.
    """
    if hints.method not in ("GET", "HEAD"):
        return False
    if hints.fetch_mode is not None or hints.fetch_dest is not None:
        return hints.fetch_mode == "navigate" and hints.fetch_dest == "document"
    return hints.requested_with is None and accepts_html(hints.accept)


def is_background_call(hints: PageLoadHints) -> bool:
    """Whether a page that is open asks for something: a form, ``fetch()`` or XMLHttpRequest.

    It is a sign of work under way; parts of a page such as images are not, and they are what
    shared caches keep.
    """
    if hints.method not in ("GET", "HEAD"):
        return True
    return hints.fetch_dest == "empty" or hints.requested_with is not None


def accepts_html(accept: str | None) -> bool:
    """Whether an Accept header takes HTML (RFC 9110, 12.5.1). A missing header does not count:
    every browser sends one, and only page loads may move."""
    if accept is None:
        return False
    best: tuple[int, float] = (-1, 0.0)
    for item in accept.split(","):
        media_range, *parameters = (part.strip().lower() for part in item.split(";"))
        precision = _HTML_RANGES.get(media_range)
        # The most specific range decides, whatever its weight.
        if precision is not None and precision > best[0]:
            best = (precision, _weight(parameters))
    return best[1] > 0


_HTML_RANGES = {"*/*": 0, "text/*": 1, "application/xhtml+xml": 2, "text/html": 3}


def _weight(parameters: list[str]) -> float:
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                return float(parameter[2:])
            except ValueError:
                return 0.0
    return 1.0


def is_exempt(path: str, exempt_paths: tuple[str, ...]) -> bool:
    """Whether ``path`` is one of ``exempt_paths`` (each with a trailing slash) or below it."""
    return path.startswith(exempt_paths) or f"{path}/" in exempt_paths
