"""What people of a tenant report, for those who may see its settings: their own, grouped."""

from __future__ import annotations

import csv
import io
import json
import re
from contextlib import closing
from datetime import timedelta
from html import unescape
from http import HTTPStatus
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal.models import Person
from redirection.feedback.answers import announce
from redirection.feedback.loads import feature_of, is_counted, loads_of_all, loads_of_tenant
from redirection.models import Answer, Feedback, Tenant, Trouble, UnmatchedLink
from tests.conftest import MakePerson
from tests.reporting import loads, many, report
from tests.test_settings_page import sign_in, text

PAGE = "/cloudapps/settings/reported"
EXPORT = f"{PAGE}/export"


@pytest.fixture
def reader(rita: Person, destination: Client) -> Client:
    """The browser of Rita, who may look."""
    sign_in(destination, rita)
    return destination


@pytest.fixture
def fay(fabrikam: Tenant, person: MakePerson) -> Person:
    """Fay reports from another organisation."""
    return person(fabrikam, "Fay")


def rows(response: Any) -> list[list[str]]:
    """The cells of the table, as they are read."""
    table = text(response).partition("<tbody>")[2].partition("</tbody>")[0]
    return [
        [" ".join(re.sub(r"<[^>]+>", " ", cell).split()) for cell in re.split("</t[hd]>", row)[:-1]]
        for row in table.split("</tr>")[:-1]
    ]


def exported(browser: Client, format_: str, **asked: str) -> str:
    response = browser.get(EXPORT, {"format": format_, **asked})
    assert response.status_code == HTTPStatus.OK
    with closing(response):
        return b"".join(response).decode()  # type: ignore[call-overload]


def test_reports_are_grouped_by_page_and_kind_beside_the_page_loads(
    reader: Client, contoso: Tenant, fabrikam: Tenant, otto: Person, fay: Person
) -> None:
    with time_machine.travel("2026-03-10T12:00:00Z", tick=False):
        sign_in(reader, Person.objects.get(display_name="Rita"))
        for _ in range(2):
            report(contoso, otto, page="/#/audits?x=1")
        report(contoso, otto, page="/#/audits", kind="broken")
        report(contoso, otto, page="/#/unheard/12")
        report(fabrikam, fay, page="/#/audits")
        loads(contoso, "/audits", 1_200, 34)
        loads(contoso, "/audits", 7, days_ago=27)
        loads(contoso, "/audits", 100, days_ago=28)
        loads(fabrikam, "/audits", 500)
        page = reader.get(PAGE)
    assert [(*row[:4], row[5]) for row in rows(page)] == [
        ("Activity log /audits", "Missing", "2", "1,241", "Open"),
        ("Activity log /audits", "Broken or slow", "1", "1,241", "Open"),
        ("/unheard/*", "Missing", "1", "not counted", "Open"),
    ]
    assert "10 Mar" in rows(page)[0][4]


def test_the_menu_leads_there(reader: Client) -> None:
    menu = reader.get("/cloudapps/settings", {"tabid": "autoRedirection"}).content.decode()
    assert f'<a href="{PAGE}">What people report</a>' in menu
    assert f'<a href="{PAGE}" aria-current="page">' in reader.get(PAGE).content.decode()


def test_nothing_reported_says_how_people_do(reader: Client) -> None:
    assert "Nobody has reported anything yet." in text(reader.get(PAGE))


def test_the_single_reports_stand_behind_their_group(
    reader: Client, contoso: Tenant, otto: Person, person: MakePerson
) -> None:
    report(contoso, otto, text="First\nsecond", rating=2, may_contact=True)
    report(contoso, person(contoso, "Secretive"), text="Without a name", page="/#/audits?id=7")
    number = Trouble.objects.get().pk
    assert f'href="{PAGE}/{number}"' in reader.get(PAGE).content.decode()
    page = reader.get(f"{PAGE}/{number}")
    assert "First\nsecond" in unescape(page.content.decode())
    for words in ("2 reports", "Otto", "rated 2 of 5", "Without a name", "/#/audits?id=7"):
        assert words in text(page), words
    # Who did not agree to be contacted is not named.
    assert "Secretive" not in text(page)


def test_nobody_elses_reports_are_there(
    reader: Client, contoso: Tenant, fabrikam: Tenant, otto: Person, fay: Person
) -> None:
    report(contoso, otto, text="Ours")
    report(fabrikam, fay, text="Theirs, in the same trouble", may_contact=True)
    foreign = report(fabrikam, fay, text="Theirs alone", page="/#/files").trouble_id
    shared = Trouble.objects.get(route="/audits").pk
    one = text(reader.get(f"{PAGE}/{shared}"))
    assert "Ours" in one
    assert "1 report<" in one
    for page in (one, text(reader.get(PAGE)), exported(reader, "csv"), exported(reader, "jsonl")):
        assert "Theirs" not in page
        assert "Fay" not in page
    # A number of a trouble is known as soon as one's own people report it.
    for number in (foreign, 999, 10**30):
        assert reader.get(f"{PAGE}/{number}").status_code == HTTPStatus.NOT_FOUND
    for address in (PAGE, f"{PAGE}/{shared}", EXPORT):
        asked = {"tid": str(fabrikam.tid), "format": "csv"}
        assert reader.get(address, asked).status_code == HTTPStatus.NOT_FOUND


def test_whoever_may_not_see_the_settings_may_not_see_reports(
    otto: Person, contoso: Tenant, destination: Client
) -> None:
    number = report(contoso, otto).trouble_id
    sign_in(destination, otto)
    for address in (PAGE, f"{PAGE}/{number}", EXPORT):
        answer = destination.get(address, {"format": "csv"})
        assert answer.status_code == HTTPStatus.FORBIDDEN


def test_the_filter_narrows_the_list_and_the_file(
    reader: Client, contoso: Tenant, otto: Person
) -> None:
    report(contoso, otto, text="The export is gone")
    report(contoso, otto, page="/#/files", kind="praise", text="Faster")
    fixed = report(contoso, otto, page="/#/policy", text="Gone as well").trouble
    Trouble.objects.filter(pk=fixed.pk).update(state="fixed")
    for asked, found in (
        ({"text": "gone"}, {"/audits", "/policy"}),
        ({"text": "/files"}, {"/files"}),
        ({"kind": "praise"}, {"/files"}),
        ({"state": "fixed"}, {"/policy"}),
        ({"text": "gone", "state": "open"}, {"/audits"}),
    ):
        assert {row[0].split()[-1] for row in rows(reader.get(PAGE, asked))} == found
        lines = exported(reader, "jsonl", **asked).splitlines()
        assert {json.loads(line)["route"] for line in lines} == found
    assert "No report is like that." in text(reader.get(PAGE, {"text": "nonsense"}))


def test_page_loads_of_others_order_nothing(
    reader: Client, contoso: Tenant, fabrikam: Tenant, otto: Person
) -> None:
    report(contoso, otto, page="/#/audits")
    report(contoso, otto, page="/#/files")
    loads(contoso, "/audits", 5)
    loads(contoso, "/files", 10)
    loads(fabrikam, "/audits", 100)
    found = [row[0].split()[-1] for row in rows(reader.get(PAGE, {"order": "loads"}))]
    assert found == ["/files", "/audits"]


def test_the_list_is_ordered_as_asked(reader: Client, contoso: Tenant, otto: Person) -> None:
    for page, number, hours in (("/#/audits", 1, 3), ("/#/files", 3, 2), ("/#/policy", 2, 1)):
        for _ in range(number):
            one = report(contoso, otto, page=page)
            Feedback.objects.filter(pk=one.pk).update(
                created_at=timezone.now() - timedelta(hours=hours)
            )
    loads(contoso, "/policy", 5)
    loads(contoso, "/audits", 50)
    for order, expected in (
        ("", ["/files", "/policy", "/audits"]),
        ("newest", ["/policy", "/files", "/audits"]),
        ("loads", ["/audits", "/policy", "/files"]),
        ("page", ["/audits", "/files", "/policy"]),
    ):
        page = reader.get(PAGE, {"order": order})
        assert [row[0].split()[-1] for row in rows(page)] == expected, order


@pytest.mark.parametrize(
    "asked", [{"kind": "rant"}, {"state": "x"}, {"order": "x"}, {"text": "x" * 201}, {"text": "\0"}]
)
def test_a_wrong_filter_shows_and_exports_nothing(
    asked: dict[str, str], reader: Client, contoso: Tenant, otto: Person
) -> None:
    report(contoso, otto, text="Not asked for")
    page = reader.get(PAGE, asked)
    assert page.status_code == HTTPStatus.BAD_REQUEST
    assert "Not filtered yet" in text(page)
    file = reader.get(EXPORT, {"format": "csv", **asked})
    assert file.status_code == HTTPStatus.BAD_REQUEST
    assert "Not asked for" not in text(file)


def test_a_file_says_what_was_reported_and_no_cell_of_it_runs(
    reader: Client, contoso: Tenant, otto: Person, person: MakePerson
) -> None:
    report(contoso, otto, text='=HYPERLINK("http://evil.example")', rating=1, may_contact=True)
    report(contoso, person(contoso, "Secretive"), text="Nameless")
    content = exported(reader, "csv").removeprefix("\ufeff")
    nameless, formula = csv.DictReader(io.StringIO(content, newline=""))
    assert (nameless["text"], nameless["who"], nameless["rating"]) == ("Nameless", "", "")
    assert formula["text"] == '\'=HYPERLINK("http://evil.example")'
    assert (formula["who"], formula["rating"], formula["state"]) == ("Otto", "1", "open")
    assert "Secretive" not in exported(reader, "jsonl")


@pytest.mark.parametrize("format_", ["", "xlsx", "csv\0"])
def test_an_unknown_format_is_refused_with_words(format_: str, reader: Client) -> None:
    response = reader.get(EXPORT, {"format": format_})
    assert response.status_code == HTTPStatus.BAD_REQUEST
    assert "Choose one of these: csv, jsonl." in text(response)


def test_hostile_words_are_words(reader: Client, contoso: Tenant, otto: Person) -> None:
    said = "<script>alert(1)</script> https://evil.example/ javascript:alert(2)"
    number = report(contoso, otto, text=said, page="https://evil.example/#/audits").trouble_id
    for address in (PAGE, f"{PAGE}/{number}"):
        page = reader.get(address).content.decode()
        assert "<script>alert" not in page
        assert 'href="http' not in page
        assert 'href="javascript' not in page


def test_answers_stand_where_their_people_asked(
    reader: Client, contoso: Tenant, fabrikam: Tenant, otto: Person, fay: Person, ada: Person
) -> None:
    trouble = report(fabrikam, fay).trouble
    announce(trouble, state="planned", text="It comes in May", page="", author=ada)
    announce(trouble, state="fixed", text="It is there", page="/cloudapps/files?x=1", author=ada)
    Answer.objects.update(at=timezone.now() - timedelta(days=1))
    report(contoso, otto)
    page = text(reader.get(f"{PAGE}/{trouble.pk}"))
    # Reported after the fix, it is open again: what was said before answers nothing.
    assert "It is there" not in page
    trouble.refresh_from_db()
    announce(trouble, state="fixed", text="Now it is", page="/cloudapps/files?x=1", author=ada)
    page = text(reader.get(f"{PAGE}/{trouble.pk}"))
    assert "Now it is" in page
    assert "May" not in page
    assert 'href="http://security.localhost/cloudapps/files?x=1"' in page
    assert rows(reader.get(PAGE))[0][5] == "Fixed"


def test_a_page_counted_with_others_has_no_number_of_its_own(contoso: Tenant) -> None:
    counted = {"/audits": "Activity log", "/alerts/*": "One alert", "/users/{id}": "User page",
               "/users/*": "One user", "/security-configuration": "Security configuration",
               "/reports/* nearest": "", "/": "Home"}  # fmt: skip
    for route, feature in counted.items():
        assert is_counted(route), route
        assert feature_of(route) == feature
    for route in ("/*", "/unheard/*", "/policy/*/edit"):
        assert not is_counted(route), route
    today = timezone.now().date()
    loads(contoso, "/audits", 3, 4)
    UnmatchedLink.objects.create(day=today, template="/unheard/*", loads=9)
    routes = ["/audits", "/files", "/unheard/*"]
    assert loads_of_tenant(contoso, routes, today) == {"/audits": 7, "/files": 0}
    assert loads_of_all(routes, today) == {"/audits": 7, "/files": 0, "/unheard/*": 9}


def test_any_length_takes_the_same_few_queries(
    reader: Client, contoso: Tenant, otto: Person
) -> None:
    def queries(address: str) -> int:
        with CaptureQueriesContext(connection) as asked:
            response = reader.get(address)
        assert response.status_code == HTTPStatus.OK
        response.close()
        return len(asked)

    number = report(contoso, otto).trouble_id
    addresses = [
        PAGE, f"{PAGE}?order=loads", f"{PAGE}?text=it", f"{PAGE}/{number}", f"{EXPORT}?format=csv",
    ]  # fmt: skip
    # The first request of a process asks what no later one does.
    queries(PAGE)
    before = [queries(address) for address in addresses]
    many(1_200, tenants=2)
    Feedback.objects.exclude(tenant=contoso).update(tenant=contoso)
    Feedback.objects.filter(pk__gt=900).update(trouble=number)
    assert [queries(address) for address in addresses] == before
    assert len(rows(reader.get(PAGE))) == 50
    assert rows(reader.get(PAGE, {"page": "5"}))
    assert "This is page 5, the nearest one." in text(reader.get(PAGE, {"page": "99"}))
