"""The settings page says where a change has arrived, and keeps saying so by itself."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from http import HTTPStatus
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.db.models.functions import Now
from django.test import Client
from django.utils import timezone

from portal.models import Person
from portal.sign_in.session_limits import SEEN_AT
from redirection.delivery_texts import duration
from redirection.models import Receipt, RoleSnapshot, Tenant
from tests.conftest import Switch

RECEIPT = "/cloudapps/settings/receipt"
POLL = {"hx-request": "true", "sec-fetch-mode": "cors", "sec-fetch-dest": "empty"}


def reported(
    serves: int, *, ago: float = 0, late: int | None = None, since: int = 0, **changed: Any
) -> None:
    """A worker on the first machine that reported; ``late`` is its lag in milliseconds."""
    worker = uuid4()
    steps = [] if late is None else [[serves - 1, 0], [serves, since + late]]
    values = {"host": "web-1", "pid": 1, "is_stale": False, **changed}
    Receipt.objects.report(
        worker, revision=serves, steps=steps, started_at=timezone.now(), **values
    )
    Receipt.objects.filter(worker=worker).update(reported_at=Now() - timedelta(seconds=ago))


@pytest.fixture
def browser(destination: Client, ada: Person) -> Client:
    """Ada's browser on the destination."""
    destination.force_login(ada, "redirection.permissions.TenantRolesBackend")
    return destination


def poll(browser: Client, tenant: Tenant, **query: Any) -> Any:
    """What the open page asks for."""
    return browser.get(RECEIPT, {"tid": tenant.tid, **query}, headers=POLL)


def text(response: Any) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", response.content.decode())).split())


def sentence(response: Any) -> str | None:
    """The text of the live region, or None if nothing is sent for it."""
    found = re.search(r'id="receipt-sentence"[^>]*>(.*?)</p>', response.content.decode())
    return unescape(found[1]) if found else None


def asks_again(response: Any) -> dict[str, str]:
    """What the page will ask with, and how often."""
    html = unescape(response.content.decode())
    found = re.search(r'hx-get="[^"]*revision=(\d+)&shown=([^"]+)" hx-trigger="([^"]+)"', html)
    assert found, html
    return {"revision": found[1], "shown": found[2], "trigger": found[3]}


def test_all_workers_serve_it_and_how_soon(
    browser: Client, contoso: Tenant, switch: Switch
) -> None:
    switch(contoso, "on")
    since = int(contoso.changes.latest().at.timestamp() * 1000)
    for pid in range(4):
        reported(contoso.revision, pid=pid, late=150 if pid else 40, since=since)
    answer = poll(browser, contoso)

    assert sentence(answer) == (
        f"Revision {contoso.revision} is served by 4 of 4 workers, 0.2 s after it was saved."
    )
    assert asks_again(answer)["trigger"] == "every 2s, ask"
    assert "operator" not in text(answer)


def test_one_worker_is_not_called_several(browser: Client, contoso: Tenant) -> None:
    reported(contoso.revision)
    assert sentence(poll(browser, contoso)) == (
        f"Revision {contoso.revision} is served by 1 of 1 worker."
    )


def test_a_worker_that_stopped_reporting_is_named(browser: Client, contoso: Tenant) -> None:
    for pid in range(3):
        reported(contoso.revision, pid=pid)
    reported(contoso.revision, ago=12, pid=4711, host="web-2")
    answer = poll(browser, contoso)

    assert sentence(answer) == (
        f"Revision {contoso.revision} is served by 3 of 4 workers. 1 worker has stopped reporting."
    )
    name = Receipt.objects.get(pid=4711).name
    assert f"Worker {name} has not reported for more than 10 s." in text(answer)
    assert "Tell the operator the name of the worker." in text(answer)
    assert asks_again(answer)["trigger"] == "every 1s, ask"


def test_a_worker_that_is_behind_or_blind_says_so(browser: Client, contoso: Tenant) -> None:
    reported(0, pid=1)
    reported(contoso.revision, pid=2, is_stale=True)
    answer = poll(browser, contoso)

    assert sentence(answer) == (
        f"Revision {contoso.revision} is served by 0 of 2 workers. "
        "1 worker does not serve it yet. 1 worker cannot read the store."
    )
    behind, blind = (Receipt.objects.get(pid=pid).name for pid in (1, 2))
    assert f"Worker {behind} still serves an earlier setting." in text(answer)
    assert f"Worker {blind} serves the last settings it could read." in text(answer)


def test_a_worker_that_is_only_behind_needs_no_operator_yet(
    browser: Client, contoso: Tenant
) -> None:
    reported(0)
    assert "Workers follow by themselves, usually within a second." in text(poll(browser, contoso))


def test_without_workers_it_says_so(browser: Client, contoso: Tenant) -> None:
    answer = poll(browser, contoso)
    assert sentence(answer) == "No worker has reported in the last minute."
    assert "Ask the operator whether the portal's workers run" in text(answer)


def test_the_list_of_workers_is_bounded(browser: Client, contoso: Tenant) -> None:
    for pid in range(110):
        reported(contoso.revision, pid=pid)
    answer = poll(browser, contoso)
    assert "10 more workers are not listed." in text(answer)
    assert answer.content.count(b'<th scope="row"') == 100


def test_machines_and_processes_are_the_operators_own(browser: Client, contoso: Tenant) -> None:
    reported(0, host="web-inside-7", pid=48123)
    answer = poll(browser, contoso).content.decode()
    assert "web-inside-7" not in answer
    assert "48123" not in answer


def test_a_page_that_shows_it_already_gets_nothing(browser: Client, contoso: Tenant) -> None:
    reported(contoso.revision)
    first = poll(browser, contoso)
    # The time shown moves on every half minute.
    answers = [
        poll(browser, contoso, **asks_again(poll(browser, contoso))).status_code for _ in range(3)
    ]
    assert HTTPStatus.NO_CONTENT in answers
    assert first.status_code == HTTPStatus.OK


def test_a_sentence_that_is_shown_already_is_not_sent_again(
    browser: Client, contoso: Tenant
) -> None:
    reported(contoso.revision)
    shown = asks_again(poll(browser, contoso))["shown"].partition("-")[0]
    again = poll(browser, contoso, shown=f"{shown}-something-else-0")
    assert again.status_code == HTTPStatus.OK
    assert sentence(again) is None
    reported(0)
    assert sentence(poll(browser, contoso, shown=f"{shown}-")) is not None


@pytest.mark.parametrize(
    ("ago", "said"),
    [
        (8, "5 s"), (12, "10 s"), (19, "10 s"), (25, "20 s"), (45, "30 s"), (70, "60 s"),
        (130, "2 min"), (1300, "20 min"), (4000, "60 min"), (9000, "2 h"), (30000, "8 h"),
    ],
)  # fmt: skip
def test_an_age_is_told_in_steps_so_that_it_can_be_read_and_copied(
    ago: float, said: str, browser: Client, contoso: Tenant
) -> None:
    reported(contoso.revision, ago=ago)
    reported(contoso.revision)
    assert f"more than {said} ago" in text(poll(browser, contoso))


def test_when_only_the_time_moves_on_the_table_stays_as_it_is(
    browser: Client, contoso: Tenant
) -> None:
    reported(contoso.revision)
    shown = asks_again(poll(browser, contoso))["shown"]
    later = poll(browser, contoso, shown=shown.rpartition("-")[0] + "-0")
    assert "As of" in text(later)
    assert 'id="receipt-workers"' not in later.content.decode()
    assert 'id="receipt-more"' not in later.content.decode()
    reported(0)
    assert 'id="receipt-workers"' in poll(browser, contoso, shown=shown).content.decode()


def test_a_worker_that_went_missing_is_neither_good_nor_forgotten(
    browser: Client, contoso: Tenant, switch: Switch
) -> None:
    with time_machine.travel(timezone.now() - timedelta(minutes=10)):
        switch(contoso, "on")
    reported(contoso.revision)
    reported(contoso.revision, ago=900)
    answer = poll(browser, contoso)
    assert 'class="complete"' in answer.content.decode()
    assert "no longer counted" not in text(answer)

    reported(0, ago=100, pid=2)
    answer = poll(browser, contoso)
    assert sentence(answer) == (
        f"Revision {contoso.revision} is served by 1 of 1 worker. "
        "1 worker has not reported for over a minute and is no longer counted."
    )
    assert 'class="missing"' in answer.content.decode()
    assert asks_again(answer)["trigger"] == "every 2s, ask"
    name = Receipt.objects.get(pid=2).name
    assert f"Worker {name} has not reported for more than 60 s." in text(answer)
    assert "Some pages may still follow the earlier setting." in text(answer)
    assert f"{name} Missing an earlier one" in text(answer)


def test_revisions_of_other_organisations_are_not_told(browser: Client, contoso: Tenant) -> None:
    reported(contoso.revision + 7001)
    reported(contoso.revision + 7002, ago=20)
    reported(contoso.revision + 7003, is_stale=True)
    answer = poll(browser, contoso)
    assert not re.search(r"\b70\d\d\b", text(answer))
    assert text(answer).count("this setting") == 3


def test_a_silent_worker_that_had_the_change_is_not_said_to_follow_an_earlier_setting(
    browser: Client, contoso: Tenant
) -> None:
    reported(contoso.revision, ago=20)
    said = text(poll(browser, contoso))
    assert "It had the change; whether it still answers is not known." in said
    assert "earlier setting" not in said

    reported(contoso.revision, ago=20)
    said = text(poll(browser, contoso))
    assert "They had the change; whether they still answer is not known." in said

    reported(0, ago=20)
    said = text(poll(browser, contoso))
    assert "Some pages may still follow the earlier setting." in said
    assert "had the change" not in said


def test_a_worker_that_cannot_read_the_store_has_what_it_read(
    browser: Client, contoso: Tenant
) -> None:
    reported(contoso.revision, is_stale=True)
    said = text(poll(browser, contoso))
    assert "It has the change, but may miss the next one." in said


def test_the_words_for_a_page_without_an_answer_come_with_its_time(
    browser: Client, contoso: Tenant
) -> None:
    html = poll(browser, contoso).content.decode()
    time = re.search(r"As of ([^<]*)\.<", html)
    assert time
    assert f'data-silence="No answer since {time[1]}. This may be out of date."' in html


def test_an_open_form_is_not_to_be_reloaded(
    browser: Client, contoso: Tenant, switch: Switch
) -> None:
    page = browser.get(f"/cloudapps/settings?tabid=autoRedirection&tid={contoso.tid}&confirm=on")
    html = unescape(page.content.decode())
    asked = re.search(r'hx-get="[^"?]*\?([^"]*)"', html)
    again = re.search(r'<a href="([^"]*)">Check again', html)
    assert asked
    assert again
    assert "confirm=on" in asked[1]
    assert "confirm=on" in again[1]
    assert again[1].endswith("#receipt")

    switch(contoso, "on")
    assert "Send your form: you are shown what changed." in text(
        browser.get(f"{RECEIPT}?{asked[1]}", headers=POLL)
    )
    browser.logout()
    assert sentence(browser.get(f"{RECEIPT}?{asked[1]}", headers=POLL)) == (
        "You are signed out. Send your form: you are asked to sign in, and what you typed is kept."
    )


def test_to_check_again_is_a_new_address_each_time(browser: Client, contoso: Tenant) -> None:
    """A browser loads nothing anew where only the part behind the # differs."""
    html = browser.get("/cloudapps/settings?tabid=autoRedirection").content.decode()
    assert re.search(rf'tid={contoso.tid}&amp;as_of=\d+#receipt">Check again', html)


def test_a_change_by_somebody_else_does_not_slip_in_unseen(
    browser: Client, contoso: Tenant, switch: Switch
) -> None:
    reported(contoso.revision)
    page = asks_again(poll(browser, contoso))
    switch(contoso, "on")
    answer = poll(browser, contoso, **page)
    assert "The setting has changed since this page was read." in str(sentence(answer))
    assert asks_again(answer)["revision"] == page["revision"]


@pytest.mark.parametrize(
    "query", [{"shown": "x" * 3000}, {"revision": "one"}, {"revision": "9" * 99}]
)
def test_what_a_page_never_sends_harms_nothing(
    query: dict[str, str], browser: Client, contoso: Tenant
) -> None:
    assert poll(browser, contoso, **query).status_code == HTTPStatus.OK


def test_the_page_itself_has_it_with_a_time_and_a_link_for_whoever_has_no_script(
    browser: Client, contoso: Tenant
) -> None:
    reported(contoso.revision)
    page = browser.get(f"/cloudapps/settings?tabid=autoRedirection&tid={contoso.tid}")
    html = page.content.decode()

    assert f"Revision {contoso.revision} is served by 1 of 1 worker." in html
    assert re.search(r"As of \d\d:\d\d:\d\d UTC\.", text(page))
    assert re.search(r'<a href="/cloudapps/settings\?[^"]*#receipt">Check again</a>', html)
    assert re.search(r'<div role="status">\s*<p id="receipt-sentence"', html)
    assert "htmx-2.min.js" in html
    assert "includeIndicatorStyles" in html


def test_whoever_is_signed_out_is_told_and_the_page_stops_asking(
    destination: Client, contoso: Tenant
) -> None:
    answer = poll(destination, contoso)
    assert answer.status_code == 286
    assert sentence(answer) == "You are signed out. Reload the page to sign in."
    assert "hx-get" not in answer.content.decode()
    assert "password" not in text(answer).lower()


def test_whoever_opens_the_address_without_signing_in_comes_to_the_page_afterwards(
    destination: Client, contoso: Tenant
) -> None:
    answer = destination.get(RECEIPT, {"tid": contoso.tid})
    assert answer["Location"].startswith("/auth/sign-in?next=/cloudapps/settings%3Ftabid")


def test_whoever_lost_the_role_meanwhile_is_told_and_learns_nothing(
    browser: Client, contoso: Tenant, ada: Person
) -> None:
    reported(contoso.revision)
    RoleSnapshot.objects.filter(person=ada).update(directory_roles=[])
    answer = poll(browser, contoso)
    assert answer.status_code == 286
    assert sentence(answer) == "You can no longer see this setting. Reload the page."
    assert "web-1" not in answer.content.decode()


def test_a_foreign_tenant_and_one_that_is_not_there_get_the_same_answer(
    browser: Client, contoso: Tenant, fabrikam: Tenant
) -> None:
    answers = {
        re.sub(r"tid=[^\"]*", "", browser.get(RECEIPT, {"tid": tid}, headers=POLL).content.decode())
        for tid in (fabrikam.tid, uuid4())
    }
    assert len(answers) == 1


def test_a_page_left_open_keeps_nobody_signed_in(
    destination: Client, contoso: Tenant, ada: Person
) -> None:
    browser = destination
    start = 1_800_000_000
    page = f"/cloudapps/settings?tabid=autoRedirection&tid={contoso.tid}"
    with time_machine.travel(start, tick=False) as clock:
        browser.force_login(ada, "redirection.permissions.TenantRolesBackend")
        browser.get(page)
        assert browser.session[SEEN_AT] == start
        for minutes in range(10, 61, 10):
            clock.move_to(start + minutes * 60)
            answer = poll(browser, contoso)
            assert answer.status_code == HTTPStatus.OK
            assert "portal_session" not in answer.cookies
        assert browser.session[SEEN_AT] == start
        clock.move_to(start + 3601)
        assert poll(browser, contoso).status_code == 286


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0.1 s"), (0.01, "0.1 s"), (0.2, "0.2 s"), (0.21, "0.3 s"), (1, "1 s"), (9.85, "9.9 s"),
        (10, "10 s"), (119, "119 s"), (125, "2 min"), (7199, "119 min"), (7300, "2 h"),
    ],
)  # fmt: skip
def test_durations_are_short_and_never_too_small(seconds: float, said: str) -> None:
    assert duration(seconds) == said
