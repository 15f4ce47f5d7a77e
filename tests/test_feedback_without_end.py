"""Whoever posts feedback without end costs little, and keeps nobody else waiting."""

from __future__ import annotations

from contextlib import ExitStack
from http import HTTPStatus
from io import BytesIO
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from portal.models import Person
from redirection.feedback import screenshots
from redirection.models import Feedback, Tenant
from redirection.views import not_without_end
from tests.conftest import MakePerson
from tests.test_feedback_pictures import picture
from tests.test_settings_page import sign_in, text

FORM = "/redirection/feedback"
WRONG = {"kind": "gone", "text": "All that I typed", "page": "/audits"}
RIGHT = {**WRONG, "kind": "missing"}


def refused(browser: Client, times: int) -> list[Any]:
    return [browser.post(FORM, WRONG) for _ in range(times)]


def test_after_many_refusals_nothing_more_is_read_for_a_minute(
    otto: Person, contoso: Tenant, destination: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr("redirection.tallies.time.monotonic", lambda: now)
    sign_in(destination, otto)
    for answer in refused(destination, not_without_end.MOST_REFUSED):
        assert answer.status_code == HTTPStatus.BAD_REQUEST
        assert "All that I typed</textarea>" in answer.content.decode()
    now += 20
    with CaptureQueriesContext(connection) as asked:
        answer = destination.post(FORM, RIGHT)
    assert answer.status_code == HTTPStatus.TOO_MANY_REQUESTS
    assert answer["Retry-After"] == "40"
    assert "Go back, wait a minute and send it again." in text(answer)
    # The session, and who it is.
    assert len(asked) == 2
    assert destination.get(FORM).status_code == HTTPStatus.OK
    now += 40
    assert destination.post(FORM, RIGHT).status_code == HTTPStatus.FOUND
    assert Feedback.objects.count() == 1


def test_where_many_do_so_at_once_each_has_a_few_tries(
    contoso: Tenant, person: MakePerson, destination: Client
) -> None:
    monopoly = not_without_end.MANY_IN_ALL // not_without_end.MOST_REFUSED
    for number in range(monopoly):
        sign_in(destination, person(contoso, f"Paul {number}"))
        refused(destination, not_without_end.MOST_REFUSED)
    sign_in(destination, person(contoso, "Paula"))
    *few, last = refused(destination, not_without_end.FEW_REFUSED + 1)
    assert {answer.status_code for answer in few} == {HTTPStatus.BAD_REQUEST}
    assert last.status_code == HTTPStatus.TOO_MANY_REQUESTS
    # Nobody who makes no mistake is kept waiting.
    sign_in(destination, person(contoso, "Peter"))
    assert destination.post(FORM, RIGHT).status_code == HTTPStatus.FOUND


@pytest.mark.parametrize(
    ("address", "said"),
    [
        (FORM, {f"x{number}": "1" for number in range(1_100)}),
        (f"{FORM}?tid=22222222-2222-4222-8222-222222222222", RIGHT),
    ],
    ids=["too many fields", "another organisation"],
)
def test_what_is_refused_outside_the_form_counts_as_well(
    address: str, said: dict[str, str], otto: Person, contoso: Tenant, destination: Client
) -> None:
    sign_in(destination, otto)
    for _ in range(not_without_end.MOST_REFUSED):
        answer = destination.post(address, said)
        assert answer.status_code in (HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND)
    assert destination.post(address, said).status_code == HTTPStatus.TOO_MANY_REQUESTS


def test_pictures_never_take_all_threads_of_a_process() -> None:
    with ExitStack() as read_and_waiting:
        for _ in range(2):
            read_and_waiting.enter_context(screenshots._places)
        with pytest.raises(screenshots.ReadingOthers):
            screenshots.picture_of(BytesIO(picture()))
    assert screenshots.picture_of(BytesIO(picture())).width == 40
