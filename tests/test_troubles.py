"""The operators' queue: one entry for a trouble of many tenants, answered for all at once."""

from __future__ import annotations

import csv
import io
import json
import re
from contextlib import closing
from html import unescape
from http import HTTPStatus
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from portal.models import Person
from redirection.exports import MOST_FILES
from redirection.feedback.answers import AnsweredMeanwhile, announce, checked_page
from redirection.feedback.queue import with_tenants
from redirection.models import Answer, Tenant, Trouble
from tests.conftest import MakePerson
from tests.reporting import loads, many, report
from tests.test_link_rule_changes import changed, numbers
from tests.test_link_rule_pages import operator
from tests.test_link_rules import prefix
from tests.test_settings_page import sign_in, text

QUEUE = "/admin/redirection/trouble/"


@pytest.fixture
def olga(db: None) -> Client:
    """The browser of an operator who may do everything."""
    return operator("olga")


@pytest.fixture
def fay(fabrikam: Tenant, person: MakePerson) -> Person:
    """Fay reports from another organisation."""
    return person(fabrikam, "Fay")


@pytest.fixture
def trouble(contoso: Tenant, fabrikam: Tenant, otto: Person, fay: Person) -> Trouble:
    """The same trouble in two organisations."""
    report(contoso, otto, text="Otto misses it", page="/#/audits?activity.id=eq(7,)")
    report(fabrikam, fay, text="Fay misses it", may_contact=True)
    return Trouble.objects.get()


def page_of(trouble: Trouble) -> str:
    return f"{QUEUE}{trouble.pk}/change/"


def answer(**said: Any) -> dict[str, Any]:
    return {"state": "fixed", "text": "Try again", "page": "", "seen_answer": 0, **said}


def listed(response: Any) -> list[Any]:
    """The troubles on the page, in their order."""
    return list(response.context["cl"].result_list)


def exported(browser: Client, address: str, **asked: str) -> str:
    response = browser.get(f"{QUEUE}{address}", asked)
    assert response.status_code == HTTPStatus.OK
    with closing(response):
        return b"".join(response).decode()  # type: ignore[call-overload]


# --- The queue -------------------------------------------------------------------------------


def test_the_same_trouble_of_two_organisations_is_one_entry(
    olga: Client, trouble: Trouble, contoso: Tenant, fabrikam: Tenant, otto: Person
) -> None:
    loads(contoso, "/audits", 100)
    loads(fabrikam, "/audits", 20, 3)
    report(contoso, otto, kind="praise", page="/#/unheard/7")
    page = olga.get(QUEUE)
    first, second = listed(page)
    assert (first.route, first.kind, first.reports) == ("/audits", "missing", 2)
    assert (first.tenants, first.loads) == (2, 123)
    assert (second.route, second.tenants, second.loads) == ("/unheard/*", 1, 0)
    assert "Activity log" in text(page)
    # Nobody's words and nobody's name stand in the list.
    for word in ("misses it", "Otto", "Fay", "Fabrikam"):
        assert word not in text(page)


def test_the_queue_is_filtered_searched_and_ordered(
    olga: Client, trouble: Trouble, contoso: Tenant, fabrikam: Tenant, otto: Person, ada: Person
) -> None:
    praise = report(contoso, otto, kind="praise", page="/#/files", text="50% faster").trouble
    fixed = report(contoso, otto, kind="broken", page="/#/policy").trouble
    announce(fixed, state="fixed", text="The wheel turns again", page="", author=ada)
    for asked, found in (
        ({}, [trouble, praise, fixed]),
        ({"state__exact": "fixed"}, [fixed]),
        ({"kind__exact": "praise"}, [praise]),
        ({"tenant": "fabrikam"}, [trouble]),
        ({"tenant": " Contoso ", "state__exact": "open"}, [trouble, praise]),
        ({"tenant": "nobody"}, []),
        ({"tenant": "nul\0"}, []),
        ({"q": "FAY MISSES"}, [trouble]),
        ({"q": "50% fast"}, [praise]),
        ({"q": "/policy"}, [fixed]),
        ({"q": "wheel"}, [fixed]),
        ({"q": "activity.id"}, [trouble]),
        ({"o": "-4", "kind__exact": "missing"}, [trouble]),
    ):
        assert set(listed(olga.get(QUEUE, asked))) == set(found), asked
    # By page, by the number of organisations, by time.
    assert [one.route for one in listed(olga.get(QUEUE, {"o": "0"}))] == [
        "/audits", "/files", "/policy",
    ]  # fmt: skip
    assert listed(olga.get(QUEUE, {"o": "-4"}))[0] == trouble
    assert listed(olga.get(QUEUE, {"o": "-5"}))[0] == fixed


def test_the_filter_by_organisation_keeps_the_others(olga: Client, trouble: Trouble) -> None:
    page = olga.get(QUEUE, {"state__exact": "open", "q": "it", "tenant": '"><b>'})
    form = page.content.decode().partition('<form class="tenant-filter"')[2].partition("</form>")[0]
    assert '<input type="hidden" name="state__exact" value="open">' in form
    assert '<input type="hidden" name="q" value="it">' in form
    assert 'value="&quot;&gt;&lt;b&gt;"' in form
    assert form.count('name="tenant"') == 1


# --- One trouble -----------------------------------------------------------------------------


def test_one_trouble_says_who_reported_what_where(
    olga: Client, trouble: Trouble, contoso: Tenant
) -> None:
    loads(contoso, "/audits", 1_200)
    page = text(olga.get(page_of(trouble)))
    for words in (
        "Otto misses it", "Fay misses it", "Contoso", "Fabrikam", "/#/audits?activity.id=eq(7,)",
        "1,200 in the last 28 days", "Otto</bdi> (do not contact)", "Fay</bdi> (may be contacted)",
    ):  # fmt: skip
        assert words in page, words


def test_nothing_people_write_becomes_a_link_or_runs(
    olga: Client, contoso: Tenant, otto: Person
) -> None:
    for hostile in ("https://evil.example/x", "javascript:alert(1)", "//evil.example", "/\\evil"):
        said = f'{hostile} <a href="{hostile}">x</a><script>alert(1)</script>'
        number = report(contoso, otto, text=said, page=hostile).trouble_id
        page = olga.get(f"{QUEUE}{number}/change/").content.decode()
        content = page.partition('id="content-main"')[2].partition("<footer")[0]
        assert "<script" not in content
        links = [unescape(link) for link in re.findall(r'href="([^"]*)"', content)]
        # All of them are addresses of the site itself.
        assert links
        assert [link for link in links if not re.match(r"/(admin|redirection)/|\?p=", link)] == []


def test_the_address_of_a_report_is_explained_without_opening_it(
    olga: Client, trouble: Trouble
) -> None:
    page = olga.get(page_of(trouble)).content.decode()
    found = re.search(r'href="(/redirection/explain\?url=[^"]*eq[^"]*)"', page)
    assert found is not None
    assert olga.get(unescape(found[1])).status_code == HTTPStatus.OK


def test_the_rule_for_the_page_is_one_step_away(
    olga: Client, contoso: Tenant, otto: Person
) -> None:
    trouble = report(contoso, otto, page="/#/unheard/12/edit").trouble
    page = olga.get(page_of(trouble)).content.decode()
    found = re.search(r'href="(/admin/redirection/deeplinkrule/add/\?[^"]*)"', page)
    assert found is not None
    form = unescape(olga.get(unescape(found[1])).content.decode())
    assert 'value="/unheard/([^/]+)/edit"' in form
    changed(prefix("/unheard", "/x", 0))
    number = numbers()["/unheard"]
    page = olga.get(page_of(trouble)).content.decode()
    assert f'href="/admin/redirection/deeplinkrule/{number}/change/"' in page
    assert "Make a rule" not in page
    # A report given since then belongs to a trouble of that rule.
    since = report(contoso, otto, page="/#/unheard/13/edit").trouble
    assert since.route.endswith(" exact")
    assert f"Rule {number} answers this page" in text(olga.get(page_of(since)))


@pytest.mark.parametrize("number", ["999", "999999999999999999999999", "x", "0"])
def test_a_trouble_that_is_not_there_is_not_found(number: str, olga: Client) -> None:
    for address in (f"{QUEUE}{number}/change/", f"{QUEUE}{number}/export/csv/"):
        assert olga.get(address, follow=True).status_code == HTTPStatus.NOT_FOUND


# --- Answers ---------------------------------------------------------------------------------


def test_one_answer_is_for_all_senders_and_changes_the_state(
    olga: Client, trouble: Trouble, otto: Person, fay: Person, destination: Client
) -> None:
    said = answer(text="It is under Cloud apps", page="/cloudapps/activity-log")
    page = olga.post(page_of(trouble), said, follow=True)
    assert "Answered: Fixed. Everybody who reported it sees the answer." in text(page)
    trouble.refresh_from_db()
    assert trouble.state == "fixed"
    given = Answer.objects.get()
    assert (given.state, given.author_name, given.page) == (
        "fixed", "olga", "/cloudapps/activity-log",
    )  # fmt: skip
    for sender in (otto, fay):
        sign_in(destination, sender)
        assert "It is under Cloud apps" in text(destination.get("/redirection/my-feedback"))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("state", ""),
        ("state", "gone"),
        ("text", ""),
        ("text", " \u200b\n "),
        ("text", "x" * 4_001),
        ("text", "nul\0"),
        ("page", "https://evil.example/"),
        ("page", "//evil.example"),
        ("page", "/\\evil.example"),
        ("page", "cloudapps/files"),
        ("page", "javascript:alert(1)"),
        ("page", "/" * 2_001),
        ("seen_answer", ""),
        ("seen_answer", "x"),
    ],
)
def test_a_wrong_answer_is_not_sent_and_loses_nothing(
    field: str, value: str, olga: Client, trouble: Trouble
) -> None:
    typed = answer(text="All that I <typed>", page="/cloudapps/files")
    page = olga.post(page_of(trouble), {**typed, field: value})
    assert page.status_code == HTTPStatus.BAD_REQUEST
    assert "Not sent yet" in text(page)
    if field != "text":
        assert "All that I &lt;typed&gt;" in page.content.decode()
    if field != "page":
        assert 'value="/cloudapps/files"' in page.content.decode()
    assert not Answer.objects.exists()


def test_the_second_of_two_operators_sees_what_the_first_did(
    olga: Client, trouble: Trouble
) -> None:
    oscar = operator("oscar")
    olga.post(page_of(trouble), answer(state="planned", text="It comes in May"))
    late = oscar.post(page_of(trouble), answer(state="declined", text="It will not come"))
    assert late.status_code == HTTPStatus.CONFLICT
    for words in ("Somebody answered meanwhile", "It comes in May", "olga", "It will not come"):
        assert words in text(late), words
    assert Answer.objects.count() == 1
    # Having read it, the second may still say so.
    seen = Answer.objects.get().pk
    assert f'name="seen_answer" value="{seen}"' in late.content.decode()
    again = answer(state="declined", text="It will not come", seen_answer=seen)
    assert oscar.post(page_of(trouble), again).status_code == HTTPStatus.FOUND
    trouble.refresh_from_db()
    assert trouble.state == "declined"


def test_a_form_sent_twice_answers_once(olga: Client, trouble: Trouble) -> None:
    for _ in range(2):
        assert olga.post(page_of(trouble), answer()).status_code == HTTPStatus.FOUND
    assert Answer.objects.count() == 1


def test_reported_again_after_a_fix_it_can_be_answered_with_the_same_words(
    olga: Client, trouble: Trouble, contoso: Tenant, otto: Person
) -> None:
    olga.post(page_of(trouble), answer())
    report(contoso, otto, text="Still not there")
    page = text(olga.get(page_of(trouble)))
    assert "Reported again after it was said to be fixed" in page
    assert "Open, reported again after a fix" in text(olga.get(QUEUE))
    olga.post(page_of(trouble), answer(seen_answer=Answer.objects.get().pk))
    trouble.refresh_from_db()
    assert (Answer.objects.count(), trouble.state, trouble.reopened_at) == (2, "fixed", None)


def test_an_answer_refuses_what_no_form_sends(trouble: Trouble, ada: Person) -> None:
    said = {"state": "open", "text": "x", "page": "", "author": ada}
    for wrong in ({"state": "gone"}, {"text": ""}, {"page": "evil"}):
        with pytest.raises(ValidationError):
            announce(trouble, **{**said, **wrong})
    with pytest.raises(AnsweredMeanwhile):
        announce(trouble, **said, seen_answer=7)
    assert not Answer.objects.exists()


@pytest.mark.parametrize(
    ("typed", "page"),
    [
        ("", ""),
        (" /cloudapps/files?x=1#y ", "/cloudapps/files?x=1#y"),
        ("http://security.localhost/cloudapps/files", "/cloudapps/files"),
        ("http://security.gov.localhost/", "/"),
    ],
)
def test_the_page_to_try_may_be_pasted_from_any_destination(typed: str, page: str) -> None:
    assert checked_page(typed) == page


@pytest.mark.parametrize(
    "typed",
    ["http://security.localhost.evil.example/x", "http://security.localhost//evil.example",
     "http://security.localhost@evil.example/"],
)  # fmt: skip
def test_no_page_to_try_leads_elsewhere(typed: str) -> None:
    with pytest.raises(ValidationError):
        checked_page(typed)


# --- Files -----------------------------------------------------------------------------------


def test_the_queue_as_a_file_is_the_queue_as_filtered(
    olga: Client, trouble: Trouble, contoso: Tenant, otto: Person, ada: Person
) -> None:
    loads(contoso, "/audits", 5)
    announce(trouble, state="planned", text="=1+1", page="", author=ada)
    report(contoso, otto, kind="praise")
    asked = {"kind__exact": "missing", "q": "misses"}
    lines = exported(olga, "export/queue/jsonl/", **asked).splitlines()
    [row] = [json.loads(line) for line in lines]
    assert (row["route"], row["feature"], row["reports"]) == ("/audits", "Activity log", 2)
    assert (row["tenants"], row["loads_in_28_days"]) == (2, 5)
    assert (row["state"], row["answer"], row["reported_again"]) == ("planned", "=1+1", None)
    content = exported(olga, "export/queue/csv/", **asked).removeprefix("\ufeff")
    [row] = csv.DictReader(io.StringIO(content, newline=""))
    assert row["answer"] == "'=1+1"


def test_reports_as_a_file_are_those_of_the_queue_or_of_one_trouble(
    olga: Client, trouble: Trouble, contoso: Tenant, otto: Person
) -> None:
    other = report(contoso, otto, kind="praise", text="Well done").trouble_id

    def texts(address: str, **asked: str) -> list[str]:
        return [json.loads(line)["text"] for line in exported(olga, address, **asked).splitlines()]

    reports = "export/reports/jsonl/"
    assert texts(reports) == ["Well done", "Fay misses it", "Otto misses it"]
    assert texts(reports, kind__exact="praise") == ["Well done"]
    assert texts(reports, tenant="fabrikam") == ["Fay misses it"]
    assert texts(f"{other}/export/jsonl/") == ["Well done"]
    content = exported(olga, f"{trouble.pk}/export/csv/").removeprefix("\ufeff")
    first = next(csv.DictReader(io.StringIO(content, newline="")))
    assert (first["tenant"], first["who"], first["may_contact"]) == ("fabrikam", "Fay", "True")


def test_a_wrong_question_gives_no_file(olga: Client, trouble: Trouble) -> None:
    for address, status in (
        ("export/queue/xlsx/", HTTPStatus.BAD_REQUEST),
        ("export/queue/csv/?nonsense__exact=1", HTTPStatus.BAD_REQUEST),
        ("export/people/csv/", HTTPStatus.NOT_FOUND),
    ):
        response = olga.get(f"{QUEUE}{address}")
        assert response.status_code == status, address
        assert "misses it" not in text(response)
    assert olga.post(f"{QUEUE}export/queue/csv/").status_code == HTTPStatus.METHOD_NOT_ALLOWED
    assert olga.head(f"{QUEUE}export/queue/csv/").status_code == HTTPStatus.OK


def test_few_files_wait_for_their_readers_at_a_time(olga: Client, trouble: Trouble) -> None:
    waiting = [olga.get(f"{QUEUE}export/queue/csv/") for _ in range(MOST_FILES)]
    refused = olga.get(f"{QUEUE}export/reports/csv/")
    assert refused.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert refused["Retry-After"] == "10"
    for response in waiting:
        response.close()


# --- Who may ---------------------------------------------------------------------------------


def test_each_page_asks_for_its_permission(trouble: Trouble) -> None:
    one, files = page_of(trouble), ("export/queue/csv/", "export/reports/csv/")
    addresses = (QUEUE, one, *(f"{QUEUE}{file}" for file in files),
                 f"{QUEUE}{trouble.pk}/export/csv/")  # fmt: skip
    ok, forbidden = HTTPStatus.OK, HTTPStatus.FORBIDDEN
    for name, permissions, expected in (
        ("nobody", ["view_change"], [forbidden] * 5),
        ("reports", ["view_feedback"], [forbidden] * 5),
        ("queue", ["view_trouble"], [ok, ok, ok, forbidden, forbidden]),
        ("both", ["view_trouble", "view_feedback"], [ok] * 5),
        ("answers", ["change_trouble", "view_feedback"], [ok] * 5),
    ):
        browser = operator(name, *permissions)
        got = []
        for address in addresses:
            response = browser.get(address)
            got.append(response.status_code)
            response.close()
        assert got == expected, name
        can_answer = browser.post(one, answer(text=name)).status_code == HTTPStatus.FOUND
        assert can_answer is ("change_trouble" in permissions), name
        sees = "misses it" in text(browser.get(one))
        assert sees is ({"view_feedback"} < {*permissions}), name
    assert [one.text for one in Answer.objects.all()] == ["answers"]


def test_nobody_adds_edits_or_deletes_a_trouble(olga: Client, trouble: Trouble) -> None:
    for address in (f"{QUEUE}add/", f"{QUEUE}{trouble.pk}/delete/"):
        assert olga.get(address).status_code == HTTPStatus.FORBIDDEN
        assert olga.post(address, {"post": "yes"}).status_code == HTTPStatus.FORBIDDEN
    olga.post(page_of(trouble), answer(reports=7, route="/x"))
    trouble.refresh_from_db()
    assert (trouble.reports, trouble.route) == (2, "/audits")


def test_nobody_of_an_organisation_opens_them(
    ada: Person, trouble: Trouble, destination: Client
) -> None:
    sign_in(destination, ada)
    for address in (QUEUE, page_of(trouble), f"{QUEUE}export/queue/csv/"):
        answered = destination.get(address)
        assert answered.status_code == HTTPStatus.FOUND
        assert answered["Location"].startswith("/admin/login/")


# --- How much it takes -----------------------------------------------------------------------


def test_any_length_takes_the_same_few_queries(olga: Client, trouble: Trouble) -> None:
    def queries(address: str) -> int:
        with CaptureQueriesContext(connection) as asked:
            response = olga.get(address)
        assert response.status_code == HTTPStatus.OK
        response.close()
        return len(asked)

    addresses = [
        QUEUE, f"{QUEUE}?q=it&tenant=contoso", f"{QUEUE}?o=-4", page_of(trouble),
        f"{QUEUE}export/queue/csv/", f"{QUEUE}export/reports/jsonl/",
        f"{QUEUE}{trouble.pk}/export/csv/",
    ]  # fmt: skip
    # The first request of a process asks what no later one does.
    queries(QUEUE)
    before = [queries(address) for address in addresses]
    many(3_000, tenants=60, troubles=150)
    Trouble.objects.filter(route="/alerts").first().feedback.update(trouble=trouble)
    after = [queries(address) for address in addresses]
    assert after == before
    assert max(after) <= 14, after


def test_the_number_of_organisations_is_counted_once_each(db: None) -> None:
    many(300, tenants=7, troubles=10)
    counted = {one.pk: one.tenants for one in with_tenants(Trouble.objects.all())}
    assert set(counted.values()) == {7}
