"""The operators' queue as files: what was filtered, and no more."""

from __future__ import annotations

import csv
import io
import json
from http import HTTPStatus

from django.test import Client

from portal.models import Person
from redirection.exports import MOST_FILES
from redirection.feedback.answers import announce
from redirection.models import Tenant, Trouble
from tests.reporting import loads, report
from tests.test_settings_page import text
from tests.troubles import QUEUE, exported, fay, olga, trouble

__all__ = ["fay", "olga", "trouble"]


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
