"""A small world for the test of the promise: workers, browsers with tabs, a destination.

The workers run the real middleware and the real tag of the portal script. Browsers keep
cookies and ``sessionStorage`` as Chromium does, as far as the promise rests on it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from urllib.parse import urlsplit
from uuid import UUID

import time_machine
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template import Context, Template
from django.test import RequestFactory, override_settings
from django.urls import set_urlconf

from redirection import legacy_sessions, step_backs, switches
from redirection.conf import conf
from redirection.decisions import Setting, Stage, Tenant, redirection_is_on
from redirection.held_tenants import HeldTenants
from redirection.middleware import RedirectionMiddleware
from redirection.step_backs import RunningStepBack
from redirection.visits import Visit
from tests.portal_script_twin import attributes, moves_on

DOMAIN = "portal.localhost"
DESTINATION = "http://security.localhost"
TIDS = {
    "contoso": "11111111-1111-4111-8111-111111111111",
    "fabrikam": "22222222-2222-4222-8222-222222222222",
}
ACCEPT = "text/html,application/xhtml+xml,*/*;q=0.8"
BEGINNING = "2026-01-05T08:00:00Z"
PAGE = Template("{% load redirection %}{% portal_script %}<p>The legacy page")
END_STEP_BACK = "/redirection/end-step-back"
# Nobody who goes in circles gets this far.
MOST_HOPS = 12


class Loop(AssertionError):
    """A browser was sent around without an end."""


def legacy_portal(request: HttpRequest) -> HttpResponse:
    """The legacy portal behind the middleware."""
    if request.path == "/auth/sign-out":
        response: HttpResponse = HttpResponseRedirect("/")
        legacy_sessions.end(conf(), request.COOKIES, response, DOMAIN)
        step_backs.end_all(conf(), request.COOKIES, response, DOMAIN)
        return response
    if request.path == END_STEP_BACK:
        visit: Visit = request.redirection  # type: ignore[attr-defined]
        response = HttpResponse()
        if visit.tenant is not None:
            step_backs.end(conf(), response, visit.tenant.tid, DOMAIN)
        return response
    if request.path.startswith("/api/"):
        return JsonResponse({})
    if request.method == "POST" and request.path == "/notes":
        return HttpResponse(headers={"Location": "/files"}, status=HTTPStatus.SEE_OTHER)
    set_urlconf("portal.legacy_urls")
    try:
        return HttpResponse(PAGE.render(Context({"request": request})))
    finally:
        set_urlconf(None)


@dataclass
class Truth:
    """A tenant as the store has it."""

    tid: str
    name: str
    stage: Stage = Stage.OPT_IN
    setting: Setting = Setting.NOT_SET
    since: int = 0
    revision: int = 1
    step_back_since: int | None = None

    @property
    def on(self) -> bool:
        return redirection_is_on(self.stage, self.setting)

    def held(self) -> Tenant:
        return Tenant(
            self.tid, self.name, "commercial", self.on, self.since, self.revision,
            self.step_back_since,
        )  # fmt: skip


@dataclass
class Worker:
    """A process that serves; what it holds may be older than the truth."""

    held: switches.Held = switches.NOTHING

    def tenant(self, name: str) -> Tenant | None:
        return self.held.by_name.get(name)


@dataclass
class Shown:
    """What a tab shows: a legacy page (``host`` and ``path``), or the destination (no host)."""

    host: str = ""
    path: str = ""
    reason: str = ""
    known: bool = True


@dataclass
class Tab:
    storage: dict[str, dict[str, str]] = field(default_factory=dict)
    history: int = 0
    has_opener: bool = False
    shown: Shown | None = None

    def copy(self, *, history: int, has_opener: bool) -> Tab:
        storage = {host: dict(values) for host, values in self.storage.items()}
        return Tab(storage, history, has_opener)


@dataclass
class Browser:
    runs_scripts: bool = True
    keeps_storage: bool = True
    # Name to value and the moment it ends, None with the browser.
    cookies: dict[str, tuple[str, float | None]] = field(default_factory=dict)
    tabs: list[Tab] = field(default_factory=list)

    def sends(self) -> dict[str, str]:
        now = time.time()
        return {
            name: value for name, (value, end) in self.cookies.items() if end is None or end > now
        }

    def take(self, response: HttpResponse) -> None:
        for name, morsel in response.cookies.items():
            age = morsel["max-age"]
            if age == 0:
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = (morsel.value, None if age == "" else time.time() + age)


class World:
    def __init__(self) -> None:
        self.clock = time_machine.travel(BEGINNING, tick=False)
        self.traveller = self.clock.start()
        self.keys = ["a-key-everybody-may-know-0-and-it-is-long-enough-for-the-site"]
        self.override = override_settings(SECRET_KEY=self.keys[0], SECRET_KEY_FALLBACKS=[])
        self.override.enable()
        self.truths = {name: Truth(tid, name) for name, tid in TIDS.items()}
        self.workers = [Worker(), Worker()]
        self.middleware = RedirectionMiddleware(legacy_portal)
        self.requests = RequestFactory()
        self.sends_back = False
        for worker in self.workers:
            self.hear(worker)

    def end(self) -> None:
        self.override.disable()
        self.clock.stop()
        switches.forget()

    @property
    def now(self) -> int:
        return time.time_ns() // 1_000_000

    def hear(self, worker: Worker) -> None:
        tenants = [truth.held() for truth in self.truths.values()]
        worker.held = switches.Held(
            max(tenant.revision for tenant in tenants), HeldTenants.of(tenants)
        )

    def set_keys(self, keys: list[str]) -> None:
        self.override.disable()
        self.keys = keys
        self.override = override_settings(SECRET_KEY=keys[0], SECRET_KEY_FALLBACKS=keys[1:])
        self.override.enable()

    # --- What browsers ask ---------------------------------------------------------------

    def ask(
        self,
        browser: Browser,
        worker: Worker,
        host: str,
        path: str,
        *,
        method: str = "GET",
        mode: str = "navigate",
        dest: str = "document",
        **more: str,
    ) -> HttpResponse:
        """One request of a browser, answered by the real middleware of ``worker``."""
        switches._held = worker.held
        # No two things happen in the same moment.
        self.traveller.shift(0.005)
        headers = {"host": host, "accept": ACCEPT, "sec-fetch-mode": mode, "sec-fetch-dest": dest}
        headers |= {name.replace("_", "-"): value for name, value in more.items() if value}
        request = self.requests.generic(method, path, headers=headers)
        request.COOKIES.update(browser.sends())
        response = self.middleware(request)
        assert isinstance(response, HttpResponse)
        browser.take(response)
        return response

    def open(
        self,
        browser: Browser,
        tab: Tab,
        worker: Worker,
        host: str,
        path: str,
        *,
        referrer: str = "",
        clicked: bool = True,
    ) -> Shown:
        """Load a page in a tab, wherever it ends. Raises Loop."""
        user, site = "?1" if clicked else "", "none" if clicked else "same-site"
        tab.history += 1
        for _ in range(MOST_HOPS):
            response = self.ask(
                browser, worker, host, path,
                sec_fetch_user=user, sec_fetch_site=site, referer=referrer,
            )  # fmt: skip
            shown = self.arrive(browser, tab, response, host, path)
            tab.shown = shown
            if shown.host or not self.sends_back:
                return shown
            user, site, referrer = "", "same-site", f"{DESTINATION}/"
        raise Loop

    def arrive(
        self, browser: Browser, tab: Tab, response: HttpResponse, host: str, path: str
    ) -> Shown:
        """What the tab shows after this answer to a page load."""
        reason = response.get("Redirection-Decision", "").partition(";")[0]
        if response.status_code == HTTPStatus.FOUND:
            assert urlsplit(response["Location"]).netloc == urlsplit(DESTINATION).netloc
            return Shown(reason=reason)
        assert response.status_code == HTTPStatus.OK
        if f'http-equiv="refresh" content="0;url={DESTINATION}/' in response.content.decode():
            # After a form a page leads on, and not a redirect.
            return Shown(reason=reason)
        data = attributes(response.content.decode())
        if data is not None and browser.runs_scripts:
            storage = tab.storage.setdefault(host, {}) if browser.keeps_storage else None
            if moves_on(data, storage, history_length=tab.history, has_opener=tab.has_opener):
                return Shown(reason="new_tab")
        return Shown(host, path, reason, known=data is not None)

    def step_back(self, browser: Browser, name: str, until: int) -> None:
        """The cookie that a grant becomes, in this browser, from now on."""
        running = RunningStepBack(TIDS[name], UUID(int=self.now), self.now, until)
        response = HttpResponse()
        step_backs.write(conf(), response, running, self.now, DOMAIN)
        browser.take(response)

    def change(self, name: str, **changes: object) -> None:
        """A change of setting, stage or allowance; the first worker knows it at once."""
        self.traveller.shift(0.005)
        truth = self.truths[name]
        changed = replace(truth, **changes)  # type: ignore[arg-type]
        if changed.on is not truth.on:
            changed.since = self.now
        changed.revision = max(each.revision for each in self.truths.values()) + 1
        self.truths[name] = changed
        self.hear(self.workers[0])
