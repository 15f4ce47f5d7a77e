"""The history page: every change, filtered, in pages."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from http import HTTPStatus
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from portal.models import Person
from redirection.models import Change, RoleSnapshot, Tenant
from redirection.roles import GLOBAL_READER
from tests.test_settings_page import sign_in

PAGE = "/cloudapps/settings/redirection-history"
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)


def add(tenant: Tenant, **changed: Any) -> Change:
    """One more row of the history, as it could have been written."""
    newest = Change.objects.order_by("-revision").values_list("revision", flat=True).first() or 0
    return Change.objects.create(**values(tenant, newest + 1, **changed))


def add_many(tenant: Tenant, number: int, first_revision: int = 1_000_000) -> None:
    Change.objects.bulk_create(
        Change(**values(tenant, first_revision + count, reason=f"Number {count}"))
        for count in range(number)
    )


def values(tenant: Tenant, revision: int, **changed: Any) -> dict[str, Any]:
    return {
        "revision": revision,
        "tenant": tenant,
        "at": NOON,
        "what": "setting",
        "before": "off",
        "after": "on",
        "reason_kind": "ready",
        "reason": "Pilot is done",
        "channel": "page",
        "author_name": "Ada",
        **changed,
    }


def listed(response: Any) -> list[int]:
    """The revisions on the page, in their order."""
    return [change.revision for change in response.context["page"]]


def text(response: Any) -> str:
    return " ".join(unescape(response.content.decode()).split())


@pytest.fixture
def reader(rita: Person, destination: Client) -> Client:
    """The browser of Rita, who may look."""
    sign_in(destination, rita)
    return destination


def test_it_says_who_when_what_from_to_why_how_and_which_revision(
    reader: Client, contoso: Tenant
) -> None:
    change = add(contoso, before="not_set", channel="command")
    page = reader.get(PAGE)
    row = text(page).partition("<tbody>")[2].partition("</tr>")[0]
    words = re.sub(r"<[^>]+>", " ", row)
    for word in (
        "Ada", "10 Mar", "2026", "UTC", "Automatic redirection:", "Not set", "to", "On",
        "Ready to move: Pilot is done", "Command line", str(change.revision),
    ):  # fmt: skip
        assert word in " ".join(words.split()), word
    assert 'datetime="2026-03-10T12:00:00+00:00"' in row


def test_the_newest_stands_first(reader: Client, contoso: Tenant) -> None:
    first, second = add(contoso), add(contoso)
    assert listed(reader.get(PAGE))[:2] == [second.revision, first.revision]


def test_a_tenant_sees_only_its_own(reader: Client, contoso: Tenant, fabrikam: Tenant) -> None:
    foreign = add(fabrikam, reason="Secret of Fabrikam")
    page = reader.get(PAGE)
    assert foreign.revision not in listed(page)
    assert "Secret of Fabrikam" not in text(page)
    for tid in (fabrikam.tid, "44444444-4444-4444-8444-444444444444", "nonsense"):
        assert reader.get(PAGE, {"tid": tid}).status_code == HTTPStatus.NOT_FOUND


def test_otto_may_not_open_it(otto: Person, destination: Client) -> None:
    sign_in(destination, otto)
    assert destination.get(PAGE).status_code == HTTPStatus.FORBIDDEN


FILTERS = [
    ({"text": "ada lov"}, "who"),
    ({"text": "100%_really"}, "reason"),
    ({"what": "stage"}, "what"),
    ({"reason_kind": "missing"}, "kind"),
    ({"channel": "command"}, "channel"),
    ({"from_day": "2026-03-12"}, "late"),
    ({"to_day": "2026-03-08"}, "early"),
    ({"text": "ada", "channel": "page"}, "who"),
]


@pytest.mark.parametrize(("asked", "found"), FILTERS)
def test_each_filter_finds_what_it_says(
    asked: dict[str, str], found: str, reader: Client, contoso: Tenant
) -> None:
    usual = {"author_name": "Bo", "reason": "No word of it", "reason_kind": "planned"}
    rows = {
        "who": add(contoso, **{**usual, "author_name": "Ada Lovelace"}),
        "reason": add(contoso, **{**usual, "reason": "It is 100%_really done"}),
        "what": add(contoso, **usual, what="stage"),
        "kind": add(contoso, **{**usual, "reason_kind": "missing"}),
        "channel": add(contoso, **usual, channel="command"),
        "late": add(contoso, **usual, at=datetime(2026, 3, 12, tzinfo=UTC)),
        "early": add(contoso, **usual, at=datetime(2026, 3, 8, 23, 59, 59, 999999, tzinfo=UTC)),
    }
    # The row of the tenant itself is as old as the test.
    revisions = set(listed(reader.get(PAGE, asked))) & {row.revision for row in rows.values()}
    assert revisions == {rows[found].revision}


def test_days_are_included_and_those_of_utc(reader: Client, contoso: Tenant) -> None:
    day = datetime(2026, 3, 10, tzinfo=UTC)
    inside = [add(contoso, at=day), add(contoso, at=day + timedelta(days=1, microseconds=-1))]
    add(contoso, at=day - timedelta(microseconds=1))
    add(contoso, at=day + timedelta(days=1))
    asked = {"from_day": "2026-03-10", "to_day": "2026-03-10"}
    page = reader.get(PAGE, asked)
    assert set(listed(page)) == {change.revision for change in inside}
    assert "Days are in UTC." in text(page)


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_the_first_and_the_last_day_are_days_too(day: str, reader: Client) -> None:
    for name in ("from_day", "to_day"):
        assert reader.get(PAGE, {name: day}).status_code == HTTPStatus.OK


WRONG = [
    ("text", "x" * 201, "200"),
    ("text", "with\x00nul", "Null characters are not allowed."),
    ("what", "nonsense", "Choose one of the list."),
    ("reason_kind", "nonsense", "Choose one of the list."),
    ("channel", "page\x00", "Choose one of the list."),
    ("from_day", "yesterday", "Write the day as year-month-day"),
    ("to_day", "31.03.2026", "Write the day as year-month-day"),
    ("to_day", "2026-02-30", "Write the day as year-month-day"),
    ("from_day", "9" * 5000, "Write the day as year-month-day"),
]


@pytest.mark.parametrize(("name", "value", "error"), WRONG)
def test_a_wrong_value_is_said_at_its_field_kept_and_lists_nothing(
    name: str, value: str, error: str, reader: Client, contoso: Tenant
) -> None:
    add(contoso, reason="Not asked for")
    page = reader.get(PAGE, {name: value, "text" if name != "text" else "what": ""})
    assert page.status_code == HTTPStatus.BAD_REQUEST
    assert error in text(page)
    assert f'id="id_{name}_error"' in text(page)
    assert "Not asked for" not in text(page)
    assert "<table" not in text(page)
    if name in ("text", "from_day", "to_day"):
        # A day picker would show nothing instead of it.
        field = re.search(rf'<input type="text" name="{name}" value="([^"]*)"', text(page))
        assert field
        assert field[1] == value


def test_days_in_the_wrong_order_are_said(reader: Client, contoso: Tenant) -> None:
    page = reader.get(PAGE, {"from_day": "2026-03-11", "to_day": "2026-03-10"})
    assert page.status_code == HTTPStatus.BAD_REQUEST
    assert "The last day lies before the first." in text(page)


def test_what_was_typed_and_chosen_is_kept(reader: Client, contoso: Tenant) -> None:
    asked = {"text": "<b>pilot", "reason_kind": "ready", "from_day": "2026-03-01"}
    page = reader.get(PAGE, asked).content.decode()
    assert 'value="&lt;b&gt;pilot"' in page
    assert '<option value="ready" selected>' in page
    assert '<input type="date" name="from_day" value="2026-03-01"' in page


def test_nothing_found_is_said_with_a_way_back(reader: Client, contoso: Tenant) -> None:
    page = text(reader.get(PAGE, {"text": "nobody wrote this"}))
    assert "0 changes" in page
    assert "No change is like that." in page
    assert f'<a href="{PAGE}">Show all changes</a>' in page


def test_the_changes_found_are_counted(reader: Client, contoso: Tenant) -> None:
    add(contoso, reason="Needle")
    assert "1 change<" in text(reader.get(PAGE, {"text": "needle"}))
    add(contoso, reason="Needles")
    assert "2 changes<" in text(reader.get(PAGE, {"text": "needle"}))


def test_pages_are_linked_with_the_filter(reader: Client, contoso: Tenant) -> None:
    add_many(contoso, 120)
    page = reader.get(PAGE, {"text": "Number", "what": "", "page": "2"})
    assert listed(page) == list(range(1_000_069, 1_000_019, -1))
    assert '<a href="?text=Number&page=2" aria-label="Page 2" aria-current="page">' in text(page)
    assert '<a rel="next" href="?text=Number&page=3">Older</a>' in text(page)
    assert '<a rel="prev" href="?text=Number&page=1">Newer</a>' in text(page)
    assert "There is no such page" not in text(page)


@pytest.mark.parametrize(
    ("asked", "shown"),
    [("99", 3), ("9" * 5000, 1), ("0", 1), ("-7", 1), ("last", 1), ("", 1), ("1.5", 1)],
)
def test_a_page_that_is_not_there_shows_the_nearest_and_says_so(
    asked: str, shown: int, reader: Client, contoso: Tenant
) -> None:
    add_many(contoso, 120)
    page = reader.get(PAGE, {"page": asked})
    assert page.status_code == HTTPStatus.OK
    assert page.context["page"].number == shown
    assert f"There is no such page. This is page {shown}, the nearest one." in text(page)


def test_somebody_of_two_organisations_keeps_theirs_in_every_link(
    reader: Client, rita: Person, contoso: Tenant, fabrikam: Tenant
) -> None:
    RoleSnapshot.objects.create(person=rita, tenant=fabrikam, directory_roles=[GLOBAL_READER])
    add_many(contoso, 60)
    asked = {"tid": str(contoso.tid), "text": "Number"}
    page = text(reader.get(PAGE, asked))
    assert f'name="tid" value="{contoso.tid}"' in page
    for link in re.findall(r'href="([^"]*(?:page=|redirection-history)[^"]*)"', page):
        if "static" not in link and "about=" not in link:
            assert f"tid={contoso.tid}" in link or f"tid={fabrikam.tid}" in link, link
    assert f"export?format=csv&tid={contoso.tid}&text=Number" in page


def test_any_length_takes_the_same_few_queries(
    reader: Client,
    contoso: Tenant,
    fabrikam: Tenant,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    add_many(contoso, 1000)
    add_many(fabrikam, 1000, 2_000_000)
    # The first request of a session notes when it began.
    reader.get(PAGE)
    # One of them counts the new answers that the header tells of.
    with django_assert_num_queries(9):
        reader.get(PAGE, {"page": "7", "text": "number", "from_day": "2026-01-01"})


def test_a_page_is_read_by_the_index_of_its_tenant(contoso: Tenant) -> None:
    plan = contoso.changes.all()[950:1000].explain()
    assert "change_of_tenant" in plan, (connection.vendor, plan)
    assert "TEMP B-TREE" not in plan
