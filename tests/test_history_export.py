"""The history as a file: CSV for spreadsheets, JSON lines for programs."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta, timezone
from http import HTTPStatus
from typing import Any

import pytest
import time_machine
from django.db import OperationalError
from django.db.models import Model, QuerySet
from django.test import Client
from django.utils import translation
from pytest_django import DjangoAssertNumQueries

from portal.models import Person
from redirection import exports
from redirection.exports import CHUNK, IN_MEMORY, MOST_FILES, file_of
from redirection.history_export import COLUMNS, HISTORY
from redirection.models import Change, Tenant
from tests.conftest import MakePerson
from tests.test_history_page import add, add_many
from tests.test_settings_page import sign_in

csv_lines, json_lines = HISTORY.csv_lines, HISTORY.json_lines
EXPORT = "/cloudapps/settings/redirection-history/export"
MARK = "\ufeff"


@pytest.fixture
def reader(rita: Person, destination: Client) -> Client:
    """The browser of Rita, who may look."""
    sign_in(destination, rita)
    return destination


def exported(browser: Client, format_: str, **asked: str) -> str:
    response = browser.get(EXPORT, {"format": format_, **asked})
    assert response.status_code == HTTPStatus.OK
    assert response.streaming
    with closing(response):
        return b"".join(response).decode()  # type: ignore[call-overload]


def csv_rows(browser: Client, **asked: str) -> list[dict[str, str]]:
    content = exported(browser, "csv", **asked)
    assert content.startswith(MARK)
    return list(csv.DictReader(io.StringIO(content.removeprefix(MARK), newline="")))


def json_rows(browser: Client, **asked: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in exported(browser, "jsonl", **asked).splitlines()]


def test_both_files_hold_every_column_of_every_change(
    reader: Client, contoso: Tenant, ada: Person
) -> None:
    at = datetime(2026, 3, 10, 14, 30, 5, 1, tzinfo=timezone(timedelta(hours=2)))
    change = add(contoso, at=at, author=ada, reason='Say "go",\nthen wait; é')
    expected = {
        "revision": change.revision,
        "time": "2026-03-10T12:30:05.000001Z",
        "who": "Ada",
        "account": ada.object_id,
        "what": "setting",
        "from": "off",
        "to": "on",
        "reason_kind": "ready",
        "reason": 'Say "go",\nthen wait; é',
        "channel": "page",
    }
    assert json_rows(reader, what="setting") == [expected]
    assert csv_rows(reader, what="setting") == [
        {name: str(value) for name, value in expected.items()}
    ]


def test_an_operator_has_no_account(reader: Client, contoso: Tenant) -> None:
    add(contoso, author_name="root on server-1", channel="command")
    assert json_rows(reader, channel="command")[0]["account"] == ""


def test_lines_end_as_the_standard_says(reader: Client, contoso: Tenant) -> None:
    add(contoso)
    content = exported(reader, "csv")
    assert content.endswith("\r\n")
    assert content.partition("\r\n")[0] == MARK + ",".join(COLUMNS)


FORMULAS = [
    "=1+1", "+1", "-1", "@SUM(A1)", "\t=1+1", "\r=1+1", "\n=1+1", "  =1+1", "\uff1d1+1", "\uff0b1",
    "\uff0d1", "\uff201",
]  # fmt: skip


@pytest.mark.parametrize("formula", FORMULAS)
def test_no_cell_of_a_spreadsheet_runs(formula: str, reader: Client, contoso: Tenant) -> None:
    add(contoso, reason=formula, author_name=formula)
    row = csv_rows(reader, what="setting")[0]
    assert (row["reason"], row["who"]) == (f"'{formula}", f"'{formula}")
    # A program gets what is stored.
    assert json_rows(reader, what="setting")[0]["reason"] == formula


def test_no_cell_runs_where_a_semicolon_separates(reader: Client, contoso: Tenant) -> None:
    add(contoso, reason='Fine;=HYPERLINK("http://evil.example"); -2+3; really - 100%')
    row = csv_rows(reader, what="setting")[0]
    assert row["reason"] == """Fine;'=HYPERLINK("http://evil.example");' -2+3; really - 100%"""


def test_values_and_columns_are_the_same_in_every_language(contoso: Tenant) -> None:
    add(contoso)
    in_english = "".join(csv_lines(contoso.changes.all()))
    with translation.override("ar"):
        assert "".join(csv_lines(contoso.changes.all())) == in_english


def test_the_file_holds_what_the_page_shows(reader: Client, contoso: Tenant) -> None:
    add_many(contoso, 120)
    add(contoso, channel="admin", reason="By hand")
    assert [row["reason"] for row in csv_rows(reader, channel="admin")] == ["By hand"]
    assert len(csv_rows(reader, text="number")) == 120


def test_a_tenant_gets_only_its_own(reader: Client, contoso: Tenant, fabrikam: Tenant) -> None:
    add(contoso, reason="Ours")
    add(fabrikam, reason="Theirs")
    assert [row["reason"] for row in json_rows(reader, what="setting")] == ["Ours"]
    asked = {"format": "csv", "tid": str(fabrikam.tid)}
    assert reader.get(EXPORT, asked).status_code == HTTPStatus.NOT_FOUND


@pytest.mark.parametrize(
    ("format_", "media_type"),
    [("csv", "text/csv; charset=utf-8; header=present"),
     ("jsonl", "application/jsonl; charset=utf-8")],
)  # fmt: skip
def test_the_answer_is_a_file_that_nobody_keeps(
    format_: str, media_type: str, reader: Client, contoso: Tenant
) -> None:
    with time_machine.travel("2026-03-10T23:59:00Z", tick=False):
        sign_in(reader, Person.objects.get(display_name="Rita"))
        response = reader.get(EXPORT, {"format": format_})
    response.close()
    assert response["Content-Type"] == media_type
    assert response["X-Content-Type-Options"] == "nosniff"
    assert "no-store" in response["Cache-Control"]
    name = f"redirection-history-contoso-2026-03-10.{format_}"
    assert response["Content-Disposition"] == f'attachment; filename="{name}"'


@pytest.mark.parametrize("format_", ["", "xlsx", "csv\x00", "CSV", "../csv"])
def test_an_unknown_format_is_refused_with_words(
    format_: str, reader: Client, contoso: Tenant
) -> None:
    response = reader.get(EXPORT, {"format": format_})
    assert response.status_code == HTTPStatus.BAD_REQUEST
    assert "Choose one of these: csv, jsonl." in response.content.decode()


def test_a_wrong_filter_never_gives_the_whole_history(reader: Client, contoso: Tenant) -> None:
    add(contoso, reason="Not asked for")
    response = reader.get(EXPORT, {"format": "csv", "from_day": "yesterday", "what": "x"})
    assert response.status_code == HTTPStatus.BAD_REQUEST
    page = response.content.decode()
    assert "Go back and correct it: What, From." in page
    assert "Not asked for" not in page


def test_the_log_says_who_took_the_history_of_which_tenant(
    reader: Client, rita: Person, contoso: Tenant, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    reader.head(EXPORT, {"format": "csv"})
    assert "exported" not in caplog.text
    exported(reader, "csv")
    assert f"History of contoso exported as csv by {rita.username}" in caplog.text


@pytest.mark.parametrize("lines", [csv_lines, json_lines])
def test_ten_thousand_rows_are_read_piece_by_piece(
    lines: Any, contoso: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_many(contoso, 10_000)
    read = []
    from_db = Change.from_db.__func__  # type: ignore[attr-defined]

    def counted(cls: type[Model], *arguments: Any) -> Any:
        read.append(1)
        return from_db(cls, *arguments)

    monkeypatch.setattr(Change, "from_db", classmethod(counted))
    stream = lines(contoso.changes.all())
    assert read == []
    held = []
    for number, _line in enumerate(stream):
        # What was read beyond the lines handed out is all that is held.
        held.append(len(read) - number)
    assert max(held) <= CHUNK
    assert len(read) == 10_001


@pytest.mark.parametrize("lines", [csv_lines, json_lines])
def test_however_many_authors_one_query_reads_them_all(
    lines: Any,
    contoso: Tenant,
    person: MakePerson,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for number in range(5):
        add(contoso, author=person(contoso, f"Admin {number}"))
    with django_assert_num_queries(1):
        assert len(list(lines(contoso.changes.filter(what="setting")))) >= 5


@pytest.mark.parametrize("in_memory", [10, IN_MEMORY])
def test_the_answer_says_how_long_the_file_is(
    in_memory: int, reader: Client, contoso: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "IN_MEMORY", in_memory)
    add_many(contoso, 300)
    response = reader.get(EXPORT, {"format": "csv"})
    pieces = list(response)  # type: ignore[call-overload]
    assert int(response["Content-Length"]) == len(b"".join(pieces)) > 20_000
    assert max(map(len, pieces)) < 10_000
    response.close()


def test_a_long_file_is_on_disk(contoso: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "IN_MEMORY", 10_000)
    add_many(contoso, 300)
    with closing(file_of(csv_lines(contoso.changes.all()))) as file:
        assert isinstance(file.name, int)
    with closing(file_of(["short"])) as file:
        assert file.name is None
        # Closed twice, it gives back one place.
        file.close()


def test_a_store_that_fails_on_the_way_gives_no_file(
    reader: Client, contoso: Tenant, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    caplog.set_level("INFO")
    add_many(contoso, 3)

    def iterator(self: QuerySet[Change], chunk_size: int) -> Iterator[Change]:
        yield from self[:2]
        raise OperationalError("connection lost")

    with monkeypatch.context() as patch:
        patch.setattr(QuerySet, "iterator", iterator)
        # More often than there are places: each is given back.
        for _ in range(MOST_FILES + 1):
            response = reader.get(EXPORT, {"format": "csv"})
            assert response.status_code == HTTPStatus.SERVICE_UNAVAILABLE
            page = response.content.decode()
            assert "The store does not answer." in page
            assert "Content-Disposition" not in response
            assert "Number 1" not in page
    assert "exported" not in caplog.text
    assert len(csv_rows(reader, text="number")) == 3


def test_few_files_wait_for_their_readers_at_a_time(reader: Client, contoso: Tenant) -> None:
    waiting = [reader.get(EXPORT, {"format": "csv"}) for _ in range(MOST_FILES)]
    refused = reader.get(EXPORT, {"format": "jsonl"})
    assert refused.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert refused["Retry-After"] == "10"
    assert "Content-Disposition" not in refused
    page = refused.content.decode()
    assert "Other exports are still being downloaded. Try again in ten seconds." in page
    # Asking what there is takes no place.
    assert reader.head(EXPORT, {"format": "csv"}).status_code == HTTPStatus.OK
    for response in waiting:
        assert response.status_code == HTTPStatus.OK
        # Their readers went away without reading, and a server may say so twice.
        response.close()
        response.close()
    for _ in range(2 * MOST_FILES):
        assert json_rows(reader)
    again = [reader.get(EXPORT, {"format": "csv"}) for _ in range(MOST_FILES + 1)]
    assert [response.status_code for response in again] == [
        *[HTTPStatus.OK] * MOST_FILES,
        HTTPStatus.SERVICE_UNAVAILABLE,
    ]
    for response in again:
        response.close()
