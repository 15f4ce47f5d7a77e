"""Why a request stays or goes: the question, asked of the code that answers real visits.

Nothing is fetched, counted or stored. The mapping, names, clouds and limits are today's; setting,
stage and revision are those of the moment asked about.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import parse_qsl
from uuid import UUID

from django.core.handlers.wsgi import WSGIRequest
from django.db.models import Q

from redirection import legacy_sessions, step_backs, switches
from redirection.arrivals import Arrival, arrival_of, visit_of
from redirection.conf import Conf, conf
from redirection.decisions import LegacySession, Reason
from redirection.explained_answers import answer_to
from redirection.models import Tenant
from redirection.past_states import PastState, state_at
from redirection.pasted_links import PastedLink
from redirection.pasted_sessions import PastedSession, pasted_session
from redirection.received_requests import of_django
from redirection.request_classes import RequestClass, class_of
from redirection.step_backs import RunningStepBack
from redirection.switches import Held
from redirection.visitors import KINDS, Brings, Visitor, session_of
from redirection.visits import Visit, visit_at


@dataclass(frozen=True, slots=True)
class Question:
    """A request, imagined: ``visitor`` asks for ``link`` (with a host) at the moment ``at``.

    ``tenant`` is the one the browser visited last, which counts where the link names none.
    ``method`` and ``headers`` replace those of the visitor's kind, ``cookie`` its session: the
    value of a legacy session cookie, with or without its name.
    """

    link: PastedLink
    at: datetime
    visitor: Visitor = Visitor.NEW
    tenant: Tenant | None = None
    method: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    cookie: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Session:
    """The session of an explanation, and what becomes of it.

    ``held`` is None where there is none; ``runs`` says whether it runs at the moment asked
    about, ``until`` when it ends if it is not used (milliseconds since the epoch). ``after`` is
    the session the answer writes into the browser. ``pasted`` is what the pasted cookie says.
    """

    held: LegacySession | None
    runs: bool
    until: int
    after: LegacySession | None
    pasted: PastedSession | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """The answer to a question, with all it rests on.

    ``state`` is the tenant at the moment; None where no tenant is named, or none was known by
    then, which ``too_early`` tells apart. ``arrival`` is where the link leads for whoever goes.
    ``status`` is None where the legacy portal answers; ``headers`` are those this project adds,
    without the values of cookies.
    """

    question: Question
    request: WSGIRequest
    visit: Visit
    state: PastState | None
    too_early: bool
    exempt_path: str
    arrival: Arrival | None
    session: Session
    status: int | None
    headers: tuple[tuple[str, str], ...]

    @property
    def request_class(self) -> RequestClass:
        """What the request is, on any host: a visit to another one does not look."""
        return class_of(self.request.method or "", self.request.META)

    @property
    def by_script(self) -> bool:
        """Whether the page is served and its script takes the tab on."""
        return (
            self.question.visitor is Visitor.NEW_TAB
            and self.visit.decision.reason is Reason.SESSION_CONTINUES
        )


def explain(question: Question) -> Explanation:
    """What ``question`` is answered, and why. Reads the store (at most 4 queries)."""
    if not switches.held().loaded:
        # A command has not read the rules yet.
        switches.refresh()
    settings, now = conf(), int(question.at.timestamp() * 1000)
    tenants = _tenants(question)
    states = {str(row.tid): state_at(row, question.at) for row in tenants}
    held = Held(0).with_changes(
        0, [(state.row.as_held(), state.row.enabled) for state in states.values() if state]
    )
    imagined = _request(question, settings)
    # Whose session it is must be known before it can be brought along.
    visit = visit_at(of_django(imagined), settings, held, now)
    state = states.get(visit.tenant.tid) if visit.tenant else None
    pasted = _bring_session(question, imagined, state, settings, now)
    request = of_django(imagined)
    visit = visit_at(request, settings, held, now)
    named = visit.tenant.tid if visit.tenant else next(iter(states), "")
    status, headers = answer_to(imagined, request, visit, settings)
    goes = visit.tenant is not None and settings.destination(visit.tenant.cloud) is not None
    return Explanation(
        question=question,
        request=imagined,
        visit=visit,
        state=states.get(named),
        too_early=bool(states) and states.get(named) is None,
        exempt_path=_exempt_path(imagined, visit, settings),
        arrival=arrival_of(question.link, imagined, visit.tenant)
        if visit.tenant is not None and goes and visit.decision.reason is not Reason.EXEMPT
        else None,
        session=_session(visit, pasted, settings, now),
        status=status,
        headers=headers,
    )


def _tenants(question: Question) -> list[Tenant]:
    """The tenants the request may be about, the one that counts first."""
    found = conf().legacy_hosts.parse(question.link.host)
    name = found.tenant if found else None
    tids = [value for key, value in parse_qsl(question.link.query) if key == "tid"][:1]
    wanted = Q(name=name) if name else Q(pk__in=())
    for tid in tids:
        try:
            wanted |= Q(tid=UUID(tid))
        except ValueError:
            continue
    rows = list(Tenant.objects.filter(wanted))
    rows.sort(key=lambda row: str(row.tid) not in [tid.lower() for tid in tids])
    if question.tenant is not None and question.tenant not in rows:
        rows.append(question.tenant)
    return rows


def _request(question: Question, settings: Conf) -> WSGIRequest:
    """The request as it reaches the site, without a session."""
    request, kind = visit_of(question.link), KINDS[question.visitor]
    request.META["HTTP_HOST"] = question.link.host
    headers = {name.lower(): value for name, value in kind.headers.items()}
    headers |= {name.lower(): value for name, value in question.headers}
    for name, value in headers.items():
        request.META[_meta_name(name)] = value
    method = question.method or kind.method
    request.method = request.META["REQUEST_METHOD"] = method
    request.COOKIES = {}
    if question.tenant is not None:
        remembering = legacy_sessions.remembering(settings, str(question.tenant.tid), "")
        request.COOKIES[remembering.name] = remembering.value
    return request


def _meta_name(header: str) -> str:
    name = header.upper().replace("-", "_")
    return name if name in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{name}"


def _bring_session(
    question: Question, request: WSGIRequest, state: PastState | None, settings: Conf, now: int
) -> PastedSession | None:
    """Put the session into the request; what the pasted one says, if there is one."""
    if question.cookie:
        tid = str(state.row.tid) if state else ""
        pasted = pasted_session(question.cookie, tid, settings)
        request.COOKIES[pasted.name] = pasted.value
        return pasted
    if state is None:
        return None
    tenant = state.row.as_held()
    session = session_of(question.visitor, tenant, now, settings.session_idle * 1000)
    if session is not None:
        keeping = legacy_sessions.keeping(settings, session, "")
        request.COOKIES[keeping.name] = keeping.value
    if KINDS[question.visitor].brings is Brings.STEP_BACK:
        until = now + state.row.step_back_minutes * 60_000
        step_back = RunningStepBack(tenant.tid, UUID(int=0), now, until)
        step_back_cookie = step_backs.keeping(settings, step_back, now, "")
        request.COOKIES[step_back_cookie.name] = step_back_cookie.value
    return None


def _session(visit: Visit, pasted: PastedSession | None, settings: Conf, now: int) -> Session:
    held = visit.session or (pasted.session if pasted else None)
    idle, limit = settings.session_idle * 1000, settings.session_limit * 1000
    after = visit.session_after(settings) if visit.host and visit.tenant else None
    return Session(
        held=held,
        runs=held is not None and held.is_running(now, idle, limit),
        until=min(held.seen + idle, held.started + limit) if held else 0,
        after=None if after is visit.session or visit.decision.go else after,
        pasted=pasted,
    )


def _exempt_path(request: WSGIRequest, visit: Visit, settings: Conf) -> str:
    if visit.decision.reason is not Reason.EXEMPT:
        return ""
    path = f"{request.path_info}/"
    return next((exempt for exempt in settings.exempt_paths if path.startswith(exempt)), "")
