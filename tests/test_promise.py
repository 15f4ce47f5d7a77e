"""The promise to people, against a simple model of it: nobody ejected, nobody left behind.

A rule is something that happens: a page opened, a form sent, a switch, a sign-out, time. After
each page load the model says whether the page had to stay, had to go, or whether either is
right, and knows nothing of cookies, headers or scripts.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import pytest
from hypothesis import HealthCheck, settings, strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)

from redirection import legacy_sessions, step_backs, traffic
from redirection.conf import conf
from redirection.decisions import Setting, Stage, Tenant
from tests.promise import DOMAIN, END_STEP_BACK, TIDS, Browser, Shown, Tab, Worker, World

SECOND = 1_000
IDLE, LIMIT = 3_600 * SECOND, 12 * 3_600 * SECOND
# A session's cookie says "seen" as exactly as this.
RENEWED = 60 * SECOND

MOST_BROWSERS, MOST_TABS = 2, 4
# Mostly one tenant, so that something comes of it.
names = st.sampled_from(["contoso", "contoso", "contoso", "fabrikam"])
numbers = st.integers(0, MOST_BROWSERS * MOST_TABS - 1)
workers = st.integers(0, 1)
regions = st.sampled_from(["", "eu"])
paths = st.sampled_from(["/", "/files", "/alerts/5f2a", "/never-heard-of"])
moments = st.sampled_from(
    [SECOND, 20 * SECOND, 70 * SECOND, 20 * 60 * SECOND, IDLE - 2 * RENEWED, IDLE + 1]
)
KINDS = (
    "new session", "at work", "on another host", "new tab", "loop stopped", "stepped back",
    "stepped back through a switch", "new session after a step back by time",
    "new session after a step back by hand", "new session after a step back forbidden",
    "at work after a step back",
)  # fmt: skip
steps = 0
# How often the model was sure of something.
judged: Counter[str] = Counter()


@dataclass
class Work:
    """One person's work in one tenant: when it began, and was last seen at least and at most.

    ``unsure``: it was idle for so long that it went on or began anew, and nobody can tell; or
    it was late, and has moved already.
    """

    began: int
    seen: int
    perhaps_seen: int
    unsure: bool = False

    def surely_runs(self, now: int) -> bool:
        return now - self.seen <= IDLE - RENEWED and now - self.began <= LIMIT

    def has_surely_ended(self, now: int) -> bool:
        return now - self.perhaps_seen > IDLE or now - self.began > LIMIT


@dataclass
class StepBack:
    """One task of a person in one tenant's legacy portal: when it began, and must end."""

    began: int
    until: int
    by_hand: bool = False

    def end(self, tenant: Tenant, now: int) -> str:
        """What has ended it, as far as a worker knows; "" while it runs, "?" nobody can tell."""
        if self.by_hand:
            return "by hand"
        if now >= self.until:
            return "by time"
        if tenant.step_back_since is None or tenant.step_back_since > self.began:
            return "forbidden"
        # A browser counts in seconds.
        return "" if now < self.until - SECOND else "?"


@dataclass
class Person:
    """A browser, its owner's work and tasks by tenant, and since when each tab is on which host."""

    browser: Browser
    work: dict[str, Work] = field(default_factory=dict)
    step_backs: dict[str, StepBack] = field(default_factory=dict)
    # Of a tab that sleeps in a list of them: the place in the browser's list is its name.
    on_host_since: list[dict[str, int]] = field(default_factory=list)

    def add(self, tab: Tab, on_host_since: dict[str, int]) -> int:
        self.browser.tabs.append(tab)
        self.on_host_since.append(on_host_since)
        return len(self.browser.tabs) - 1

    def close(self, place: int) -> None:
        del self.browser.tabs[place]
        del self.on_host_since[place]

    def was_at_work(self, name: str, now: int) -> None:
        work = self.work.get(name)
        if work is None:
            return
        if work.surely_runs(now):
            work.seen = now
        if not work.has_surely_ended(now):
            work.perhaps_seen = now


def host_of(name: str, region: str = "") -> str:
    return f"{name}.{region + '.' if region else ''}{DOMAIN}"


def tenant_of(host: str) -> str:
    return host.partition(".")[0]


class Promise(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        traffic.forget()
        self.world = World()
        self.people: list[Person] = []

    @initialize(
        blocked=st.sampled_from(["nothing", "nothing", "nothing", "scripts", "storage"]),
        on=st.booleans(),
        allowed=st.booleans(),
    )
    def people_are_at_work(self, blocked: str, on: bool, allowed: bool) -> None:
        for _ in range(MOST_BROWSERS):
            person = Person(Browser(blocked != "scripts", blocked != "storage"))
            person.add(Tab(), {})
            self.people.append(person)
            worker = self.world.workers[0]
            self.load(person, 0, host_of("contoso"), "/", "contoso", worker)
        if allowed:
            self.an_admin_allows_stepping_back("contoso", True)
        if on:
            self.an_admin_switches("contoso", [Setting.ON])

    def teardown(self) -> None:
        self.world.end()

    def check_invariants(self, *arguments: Any, **named: Any) -> None:
        global steps
        steps += 1
        super().check_invariants(*arguments, **named)

    # --- Browsers and tabs -----------------------------------------------------------------

    @rule(number=numbers, name=names, worker=workers, path=paths)
    def a_bookmark_opens_a_new_tab(self, number: int, name: str, worker: int, path: str) -> None:
        person, place = self.place(number)
        if len(person.browser.tabs) >= MOST_TABS:
            person.close(place)
        new = person.add(Tab(), {})
        self.load(person, new, host_of(name), path, name, self.world.workers[worker])

    @rule(number=numbers)
    def a_tab_is_duplicated(self, number: int) -> None:
        person, place = self.place(number)
        tab = person.browser.tabs[place]
        if len(person.browser.tabs) < MOST_TABS:
            person.add(
                tab.copy(history=tab.history, has_opener=False), dict(person.on_host_since[place])
            )

    # --- Pages ---------------------------------------------------------------------------

    @rule(number=numbers, name=names, worker=workers, path=paths, region=regions)
    def an_address_is_typed(
        self, number: int, name: str, worker: int, path: str, region: str
    ) -> None:
        person, place = self.place(number)
        self.load(person, place, host_of(name, region), path, name, self.world.workers[worker])

    @rule(number=numbers, name=names, worker=workers)
    def a_guest_visits_another_tenant(self, number: int, name: str, worker: int) -> None:
        person, place = self.place(number)
        other = next(each for each in TIDS if each != name)
        path = f"/?tid={TIDS[name]}"
        self.load(person, place, host_of(other), path, name, self.world.workers[worker])

    @rule(number=numbers, worker=workers, path=paths)
    def a_link_is_followed(self, number: int, worker: int, path: str) -> None:
        person, place = self.place(number)
        here = self.legacy_page(person, place)
        if here is not None:
            served = self.world.workers[worker]
            name = tenant_of(here.host)
            self.load(person, place, here.host, path, name, served, link=here.host)

    @rule(number=numbers, worker=workers)
    def a_link_leads_to_another_host_of_the_tenant(self, number: int, worker: int) -> None:
        person, place = self.place(number)
        here = self.legacy_page(person, place)
        if here is None:
            return
        name = tenant_of(here.host)
        host = host_of(name, "" if "eu" in here.host else "eu")
        served = self.world.workers[worker]
        # A guest's page is another tenant's: whether the tab carries on is not promised.
        link = here.host if "tid=" not in here.path else ""
        self.load(person, place, host, "/files", name, served, link=link, referrer=here.host)

    @rule(number=numbers, worker=workers, opener=st.booleans(), path=paths)
    def a_link_opens_a_window(self, number: int, worker: int, opener: bool, path: str) -> None:
        person, place = self.place(number)
        here = self.legacy_page(person, place)
        if here is None or len(person.browser.tabs) >= MOST_TABS:
            return
        tab = person.browser.tabs[place]
        if opener:
            inherited = dict(person.on_host_since[place])
            new = person.add(tab.copy(history=0, has_opener=True), inherited)
        else:
            new = person.add(Tab(), {})
        served = self.world.workers[worker]
        name = tenant_of(here.host)
        self.load(person, new, here.host, path, name, served, referrer=here.host)

    @rule(number=numbers, worker=workers)
    def a_page_is_reloaded(self, number: int, worker: int) -> None:
        person, place = self.place(number)
        here = self.legacy_page(person, place)
        if here is not None and "tid=" not in here.path:
            served = self.world.workers[worker]
            self.load(person, place, here.host, here.path, tenant_of(here.host), served)

    @rule(number=numbers, name=names, worker=workers)
    def a_switch_comes_in_the_middle(self, number: int, name: str, worker: int) -> None:
        self.an_admin_switches(name, [Setting.OFF])
        self.operators_work("hears", worker)
        self.a_bookmark_opens_a_new_tab(number, name, worker, "/")
        self.an_admin_switches(name, [Setting.ON])
        self.operators_work("hears", worker)
        person, _ = self.place(number)
        newest = len(person.browser.tabs) - 1
        here = self.legacy_page(person, newest)
        if here is not None:
            served, other = self.world.workers[worker], host_of(name, "eu")
            self.load(
                person, newest, other, "/files", name, served, link=here.host, referrer=here.host
            )

    # --- What a page does ------------------------------------------------------------------

    @rule(number=numbers, worker=workers, mode=st.sampled_from(["cors", "iframe", "put", "stream"]))
    def a_page_asks_in_the_background(self, number: int, worker: int, mode: str) -> None:
        person, place = self.place(number)
        here = self.legacy_page(person, place)
        if here is None:
            return
        served, name = self.world.workers[worker], tenant_of(here.host)
        kinds: dict[str, dict[str, str]] = {
            "cors": {"mode": "cors", "dest": "empty"},
            "iframe": {"dest": "iframe"},
            "put": {"method": "PUT", "mode": "cors", "dest": "empty"},
            "stream": {"mode": "cors", "dest": "empty", "accept": "text/event-stream"},
        }
        response = self.world.ask(person.browser, served, here.host, "/api/v1/", **kinds[mode])
        assert response.status_code == HTTPStatus.OK
        if mode != "stream" and served.tenant(name) is not None:
            person.was_at_work(name, self.world.now)

    @rule(number=numbers, worker=workers, path=st.sampled_from(["/notes", "/files"]))
    def a_form_is_sent(self, number: int, worker: int, path: str) -> None:
        person, place = self.place(number)
        here = self.legacy_page(person, place)
        if here is None:
            return
        served, name = self.world.workers[worker], tenant_of(here.host)
        response = self.world.ask(
            person.browser, served, here.host, path, method="POST", sec_fetch_user="?1"
        )
        # It reaches the legacy portal, and so does its sender.
        assert response.status_code in (HTTPStatus.OK, HTTPStatus.SEE_OTHER)
        if served.tenant(name) is not None:
            person.was_at_work(name, self.world.now)
        if response.status_code == HTTPStatus.SEE_OTHER:
            self.load(person, place, here.host, response["Location"], name, served)
            return
        person.browser.tabs[place].history += 1
        shown = self.world.arrive(
            person.browser, person.browser.tabs[place], response, here.host, here.path
        )
        assert shown.host, "what a form was answered has been lost"

    @rule(number=numbers, name=names, worker=workers)
    def a_page_is_loaded_ahead_of_time(self, number: int, name: str, worker: int) -> None:
        person, _ = self.place(number)
        before = dict(person.browser.cookies)
        response = self.world.ask(
            person.browser, self.world.workers[worker], host_of(name), "/", sec_purpose="prefetch"
        )
        assert response.status_code in (HTTPStatus.OK, HTTPStatus.SERVICE_UNAVAILABLE)
        assert before == person.browser.cookies

    # --- One task in the legacy portal -----------------------------------------------------

    @rule(number=numbers, name=names, worker=workers, path=paths, minutes=st.sampled_from([15, 60]))
    def somebody_steps_back(
        self, number: int, name: str, worker: int, path: str, minutes: int
    ) -> None:
        person, place = self.place(number)
        truth = self.world.truths[name]
        # The destination asks the store, and not what a worker holds.
        if not truth.on or truth.step_back_since is None:
            return
        now = self.world.now
        until = now + minutes * 60 * SECOND
        self.world.step_back(person.browser, name, until)
        person.step_backs[name] = StepBack(now, until)
        self.load(person, place, host_of(name), path, name, self.world.workers[worker])

    @rule(
        number=numbers,
        name=names,
        worker=workers,
        ends=st.sampled_from(["by time", "forbidden", "switched", "by hand"]),
    )
    def a_task_from_its_beginning(self, number: int, name: str, worker: int, ends: str) -> None:
        self.an_admin_switches(name, [Setting.ON])
        self.an_admin_allows_stepping_back(name, True)
        for each in self.world.workers:
            self.world.hear(each)
        self.somebody_steps_back(number, name, worker, "/", 15)
        match ends:
            case "by time":
                self.time_passes(15 * 60 * SECOND)
            case "forbidden":
                self.an_admin_allows_stepping_back(name, False)
                # Only who has heard of it is sure.
                self.world.hear(self.world.workers[0])
            case "switched":
                self.an_admin_switches(name, [Setting.OFF, Setting.ON])
            case "by hand":
                self.somebody_goes_back_to_the_destination(number, worker)
        self.the_task_goes_on(number, 0, "/files")

    @rule(number=numbers, worker=workers, path=paths)
    def the_task_goes_on(self, number: int, worker: int, path: str) -> None:
        person, place = self.place(number)
        for name in list(person.step_backs):
            self.load(person, place, host_of(name), path, name, self.world.workers[worker])

    @rule(number=numbers, worker=workers)
    def somebody_goes_back_to_the_destination(self, number: int, worker: int) -> None:
        person, place = self.place(number)
        here = self.legacy_page(person, place)
        # Whoever did not step back has no button for it.
        if here is None or tenant_of(here.host) not in person.step_backs:
            return
        served, name = self.world.workers[worker], tenant_of(here.host)
        self.world.ask(
            person.browser, served, here.host, END_STEP_BACK, method="POST", sec_fetch_user="?1"
        )
        if served.tenant(name) is not None:
            person.was_at_work(name, self.world.now)
            person.step_backs[name].by_hand = True
        # Nobody has to believe it.
        self.load(person, place, here.host, "/files", name, served)

    # --- How sessions end ------------------------------------------------------------------

    @rule(
        number=numbers,
        how=st.sampled_from(
            ["sign-out", "cookie deleted", "cookie forged", "another tenant's cookie",
             "step back forged", "another tenant's step back", "all cookies deleted",
             "browser closed", "tabs restored", "everything restored"]
        ),
    )  # fmt: skip
    def something_ends(self, number: int, how: str) -> None:
        person, place = self.place(number)
        browser = person.browser
        match how:
            case "sign-out":
                self.sign_out(person, place)
            case "cookie deleted" | "cookie forged" | "another tenant's cookie":
                self.tamper(person, how)
            case "step back forged" | "another tenant's step back":
                self.forge_step_back(person, how)
            case "all cookies deleted":
                browser.cookies, person.work, person.step_backs = {}, {}, {}
            case "browser closed" | "tabs restored":
                browser.cookies = {name: kept for name, kept in browser.cookies.items() if kept[1]}
                person.work = {}
        if how == "browser closed":
            browser.tabs, person.on_host_since = [], []
            person.add(Tab(), {})

    def sign_out(self, person: Person, place: int) -> None:
        here = self.legacy_page(person, place)
        if here is None:
            return
        worker = self.world.workers[0]
        self.world.ask(person.browser, worker, here.host, "/auth/sign-out", method="POST")
        person.work, person.step_backs = {}, {}
        self.load(person, place, here.host, "/", tenant_of(here.host), worker)

    def tamper(self, person: Person, how: str) -> None:
        ours, theirs = (legacy_sessions.cookie_name(conf(), tid) for tid in TIDS.values())
        value, _ = person.browser.cookies.pop(ours, ("1.2.3", None))
        if how == "cookie forged":
            person.browser.cookies[ours] = (f"1.{value.partition('.')[2]}", None)
        elif how == "another tenant's cookie" and theirs in person.browser.cookies:
            person.browser.cookies[ours] = person.browser.cookies[theirs]
        person.work.pop("contoso", None)

    def forge_step_back(self, person: Person, how: str) -> None:
        ours, theirs = (step_backs.cookie_name(conf(), tid) for tid in TIDS.values())
        value, end = person.browser.cookies.pop(ours, ("1.2.3:4", None))
        if how == "step back forged":
            number, began, rest = value.split(".")
            # Until the end of the century.
            forged = f"{number}.{began}.3bb2cc3d800:{rest.partition(':')[2]}"
            person.browser.cookies[ours] = (forged, end)
        elif theirs in person.browser.cookies:
            person.browser.cookies[ours] = person.browser.cookies[theirs]
        person.step_backs.pop("contoso", None)

    @rule(moment=moments)
    def time_passes(self, moment: int) -> None:
        self.world.traveller.shift(moment / 1_000)

    # --- What operators and admins do --------------------------------------------------------

    @rule(
        name=names,
        wanted=st.sampled_from(
            [[Setting.ON], [Setting.ON], [Setting.OFF], [Setting.OFF, Setting.ON]]
        ),
    )
    def an_admin_switches(self, name: str, wanted: list[Setting]) -> None:
        for setting in wanted:
            self.world.change(name, setting=setting)

    @rule(name=names, stage=st.sampled_from(list(Stage)))
    def the_stage_changes(self, name: str, stage: Stage) -> None:
        self.world.change(name, stage=stage)

    @rule(name=names, allowed=st.booleans())
    def an_admin_allows_stepping_back(self, name: str, allowed: bool) -> None:
        since = self.world.truths[name].step_back_since
        if allowed is (since is None):
            self.world.change(name, step_back_since=self.world.now if allowed else None)

    @rule(
        what=st.sampled_from(
            ["hears", "hears", "restarts", "restarts without the store", "key replaced",
             "key replaced", "key lost", "destination sends back"]
        ),
        worker=workers,
    )  # fmt: skip
    def operators_work(self, what: str, worker: int) -> None:
        world = self.world
        match what:
            case "hears":
                world.hear(world.workers[worker])
            case "restarts" | "restarts without the store":
                world.workers[worker] = Worker()
                if what == "restarts":
                    world.hear(world.workers[worker])
            case "key replaced":
                world.set_keys([f"{world.keys[0]}!", *world.keys])
            case "key lost":
                world.set_keys([f"{world.keys[0]}?"])
                for person in self.people:
                    person.work, person.step_backs = {}, {}
            case "destination sends back":
                world.sends_back = not world.sends_back

    # --- The model -----------------------------------------------------------------------

    def load(
        self,
        person: Person,
        place: int,
        host: str,
        path: str,
        name: str,
        worker: Worker,
        *,
        link: str = "",
        referrer: str = "",
    ) -> None:
        """Open a page of tenant ``name``, and hold what is shown against the promise.

        ``link``: the host of the page in this tab whose link was followed.
        """
        tab = person.browser.tabs[place]
        tenant, work = worker.tenant(name), person.work.get(name)
        since_on_host = person.on_host_since[place]
        source = referrer or link
        shown = self.world.open(
            person.browser, tab, worker, host, path,
            referrer=f"http://{source}/" if source else "",
        )  # fmt: skip
        if tenant is None:
            assert shown.host, "a worker that knows nothing has moved somebody"
            return
        if tenant.on:
            step_back = person.step_backs.get(name)
            ended = step_back.end(tenant, self.world.now) if step_back else "never begun"
            if ended == "?":
                pass
            elif step_back is not None and not ended:
                self.judge_step_back(step_back, tenant, shown)
            else:
                self.judge(
                    person, tenant.since, host, shown, work, since_on_host, link, referrer, ended
                )
        else:
            assert shown.host, "somebody was moved while redirection was off"
        self.remember(person, name, host, shown, since_on_host, link, on=tenant.on)

    def judge_step_back(self, step_back: StepBack, tenant: Tenant, shown: Shown) -> None:
        judged["stepped back"] += 1
        if tenant.since > step_back.began:
            judged["stepped back through a switch"] += 1
        assert shown.host, "a task was cut short"
        assert shown.reason == "stepped_back"

    def judge(
        self,
        person: Person,
        since: int,
        host: str,
        shown: Shown,
        work: Work | None,
        since_on_host: dict[str, int],
        link: str,
        referrer: str,
        step_back_ended: str,
    ) -> None:
        now, after = self.world.now, f" after a step back {step_back_ended}"
        assert shown.reason != "stepped_back", f"a task went on{after}"
        if shown.reason == "loop_stopped":
            assert self.world.sends_back
            judged["loop stopped"] += 1
            return
        if work is not None and work.unsure and not work.has_surely_ended(now):
            return
        if work is None or work.began >= since or work.has_surely_ended(now):
            judged["new session"] += 1
            judged[f"new session{after}"] += 1
            assert not shown.host, "a legacy page for a new session"
            return
        was_there = since_on_host.get(host, now) < since
        same_tenant = [
            moment for at, moment in since_on_host.items() if tenant_of(at) == tenant_of(host)
        ]
        carries_on = link not in ("", host) and min(same_tenant, default=now) < since
        if work.surely_runs(now) and (was_there or carries_on):
            judged["on another host" if not was_there else "at work"] += 1
            judged["at work after a step back"] += step_back_ended != "never begun"
            assert shown.host, "somebody was ejected"
        knows_tabs = person.browser.runs_scripts and person.browser.keeps_storage
        if knows_tabs and not same_tenant and not referrer and not self.world.sends_back:
            judged["new tab"] += 1
            assert not shown.host, "a legacy page in a new tab"

    def remember(
        self,
        person: Person,
        name: str,
        host: str,
        shown: Shown,
        since_on_host: dict[str, int],
        link: str,
        *,
        on: bool,
    ) -> None:
        now, work = self.world.now, person.work.get(name)
        if not shown.host:
            if shown.reason == "session_ended":
                person.work.pop(name, None)
            elif shown.reason == "new_session" and work is not None:
                # It began after this switch, on a late worker, and before the next one.
                work.unsure = True
            elif work is not None:
                person.was_at_work(name, now)
            return
        earlier = [at for each, at in since_on_host.items() if tenant_of(each) == tenant_of(host)]
        began = min([now, *earlier]) if link else now
        since_on_host.setdefault(host, began)
        if work is not None and not work.has_surely_ended(now):
            if work.surely_runs(now) or shown.reason == "session_continues":
                work.seen = now
            elif not on:
                # It went on, or another began: which of them cannot be told from outside.
                person.work[name] = Work(work.began, now, now, unsure=True)
                return
            work.perhaps_seen = now
        elif not on:
            person.work[name] = Work(now, now, now)

    def place(self, number: int) -> tuple[Person, int]:
        person = self.people[number % len(self.people)]
        return person, number % len(person.browser.tabs)

    def legacy_page(self, person: Person, place: int) -> Shown | None:
        shown = person.browser.tabs[place].shown
        return shown if shown is not None and shown.host else None


# Chosen by ``make test-long`` as those are that hypothesis marks itself.
@pytest.mark.hypothesis
# What fails is made smaller first.
@pytest.mark.timeout(1800)
def test_nobody_is_ejected_nobody_is_left_behind_and_nothing_loops(
    pytestconfig: pytest.Config,
) -> None:
    global steps
    steps = 0
    judged.clear()
    long = pytestconfig.getoption("markexpr") != "not long"
    run_state_machine_as_test(
        Promise,
        settings=settings(
            max_examples=settings().max_examples if long else 125,
            stateful_step_count=100,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    print(f"{steps:,} steps; the model was sure of {dict(judged)}")  # noqa: T201 (it is the proof)
    assert steps >= 10_000
    # Whatever it may never be asked about is not proven.
    assert min(judged[kind] for kind in KINDS) >= 5, judged


def test_a_host_opened_on_a_late_worker_ejects_nobody_who_comes_back_by_a_link() -> None:
    state = Promise()
    try:
        state.people_are_at_work("nothing", on=True, allowed=False)
        # This worker does not know of the switch yet, so the tab is new on that host.
        state.an_address_is_typed(0, "contoso", worker=1, path="/", region="eu")
        for _ in range(2):
            state.a_link_leads_to_another_host_of_the_tenant(0, worker=0)
        assert state.legacy_page(*state.place(0))
    finally:
        state.teardown()
