"""Whatever goes wrong while feedback is sent: no word is lost, and it counts once."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import unescape
from http import HTTPStatus
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, InternalError, OperationalError, connection
from django.test import Client

from portal.models import Person
from redirection.feedback.giving import give
from redirection.models import Feedback, Screenshot, Tenant, Trouble
from tests.conftest import PAGE_LOAD, MakePerson
from tests.test_feedback_outage import TYPED, assert_all_is_there, down
from tests.test_feedback_pictures import picture
from tests.test_settings_page import sign_in, text

FORM = "/redirection/feedback"
ADDRESS = f"{FORM}?about=%2F%23%2Faudits&from=no_counterpart"
Settings = Any


@contextmanager
def down_from(moment: int, error: type[Exception] = OperationalError) -> Iterator[list[str]]:
    """The store answers so many statements and no more; what it was asked is told."""
    asked: list[str] = []

    def refuse(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        asked.append(sql)
        if len(asked) > moment:
            raise error("the server closed the connection")
        return execute(sql, *rest)

    with connection.execute_wrapper(refuse):
        yield asked


def file(content: bytes | None = None) -> SimpleUploadedFile:
    return SimpleUploadedFile("a.png", content or picture(), "image/png")


# --- The store -------------------------------------------------------------------------------


@pytest.mark.parametrize("marked", [False, True], ids=["session as it was", "session written too"])
def test_a_store_that_dies_at_any_moment_loses_nothing_and_counts_once(
    marked: bool, transactional_db: None, otto: Person, contoso: Tenant, destination: Client
) -> None:
    moments = 0
    for moment in range(60):
        sign_in(destination, otto)
        if marked:
            # Long enough ago to be written with the next request.
            session = destination.session
            session["seen_at"] = int(time.time()) - 600
            session.save()
        said = {**TYPED, "text": f"All that I <typed>, {moment}"}
        with down_from(moment) as asked:
            answer = destination.post(ADDRESS, said)
        whole = len(asked) <= moment
        stored = Feedback.objects.filter(text=said["text"]).count()
        if answer.status_code == HTTPStatus.FOUND:
            assert stored == 1, moment
        else:
            assert answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE, (moment, asked[-1])
            assert answer["Retry-After"]
            page = unescape(answer.content.decode())
            assert f"{said['text']}</textarea>" in page, (moment, asked[-1])
            assert stored == 0, moment
            moments += 1
        # Sent again, it is there once, whatever became of it before.
        if marked:
            sign_in(destination, otto)
        assert destination.post(ADDRESS, said).status_code == HTTPStatus.FOUND, moment
        assert Feedback.objects.filter(text=said["text"]).count() == 1
        Feedback.objects.all().delete()
        if whole:
            break
    assert moments > 10
    assert whole


@pytest.mark.parametrize("error", [IntegrityError, InternalError])
def test_a_store_that_takes_no_more_rows_loses_nothing(
    error: type[Exception], otto: Person, contoso: Tenant, destination: Client
) -> None:
    """As of a replica, or where somebody is erased at this moment."""
    sign_in(destination, otto)
    with down(error, "INSERT"):
        answer = destination.post(ADDRESS, TYPED)
    assert_all_is_there(answer)
    assert "counts once" in text(answer)


def test_after_it_was_stored_the_receipt_waits_for_the_store(
    otto: Person, contoso: Tenant, destination: Client
) -> None:
    sign_in(destination, otto)
    receipt = destination.post(ADDRESS, TYPED)["Location"]
    with down():
        assert destination.get(receipt).status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert "All that I &lt;typed&gt;" in destination.get(receipt).content.decode()


# --- Twice -----------------------------------------------------------------------------------


def test_what_was_left_out_the_first_time_is_added_to_the_report(
    otto: Person, contoso: Tenant, destination: Client
) -> None:
    sign_in(destination, otto)
    destination.post(ADDRESS, {**TYPED, "may_contact": ""})
    assert not Feedback.objects.get().may_contact
    for _ in range(2):
        destination.post(ADDRESS, {**TYPED, "screenshot": file()})
    assert Feedback.objects.get().may_contact
    assert Screenshot.objects.get().feedback == Feedback.objects.get()
    assert Trouble.objects.get().reports == 1
    destination.post(ADDRESS, {**TYPED, "may_contact": ""})
    assert not Feedback.objects.get().may_contact
    # A step back asks nothing about that.
    destination.post(ADDRESS, TYPED)
    same = Feedback.objects.get()
    said = {"kind": same.kind, "text": same.text, "page": same.page, "rating": same.rating}
    assert give(contoso, otto, **said, portal="legacy", source="step_back") == same  # type: ignore[arg-type]
    assert Feedback.objects.get().may_contact


def test_a_second_click_on_the_last_that_is_taken_gets_its_receipt(
    otto: Person, contoso: Tenant, destination: Client, settings: Settings
) -> None:
    settings.REDIRECTION_FEEDBACK_PER_PERSON = 1
    sign_in(destination, otto)
    first, second = (destination.post(ADDRESS, TYPED) for _ in range(2))
    assert first["Location"] == second["Location"] == f"{FORM}/{Feedback.objects.get().pk}"
    # With a picture, somebody would not know that it is not there.
    refused = destination.post(ADDRESS, {**TYPED, "screenshot": file()})
    assert refused.status_code == HTTPStatus.TOO_MANY_REQUESTS
    assert "add it again" in text(refused)
    assert "All that I &lt;typed&gt;</textarea>" in refused.content.decode()


# --- The protection against forged forms -------------------------------------------------------


@pytest.fixture
def strict() -> Client:
    return Client(enforce_csrf_checks=True, headers={"host": "security.localhost", **PAGE_LOAD})


def form_of(browser: Client) -> dict[str, str]:
    """The hidden fields of the form that somebody has open."""
    page = browser.get(ADDRESS).content.decode()
    hidden = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page)
    return {**dict(hidden), **TYPED}


def signed_in_again(browser: Client, person: Person) -> None:
    """As in another tab: the session is another, and so is the token."""
    sign_in(browser, person)
    browser.cookies["portal_csrf"] = "n" * 32


@pytest.mark.parametrize("cookie", ["another", "none"])
def test_a_form_from_before_the_sign_in_comes_back_with_all_that_was_typed(
    cookie: str, otto: Person, contoso: Tenant, strict: Client
) -> None:
    sign_in(strict, otto)
    open_form = form_of(strict)
    signed_in_again(strict, otto)
    if cookie == "none":
        del strict.cookies["portal_csrf"]
    answer = strict.post(ADDRESS, {**open_form, "screenshot": file()})
    assert answer.status_code == HTTPStatus.FORBIDDEN
    page = unescape(answer.content.decode())
    assert "from before you signed in again" in page
    assert re.search(r"Reference: \w+", page)
    assert "All that I <typed></textarea>" in page
    assert page.count(" checked") == 3
    assert "add it again" in page
    assert not Feedback.objects.exists()
    # What is on the page now can be sent.
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))
    assert strict.post(ADDRESS, {**hidden, **TYPED}).status_code == HTTPStatus.FOUND
    assert Feedback.objects.get().text == "All that I <typed>"


def test_signed_out_in_another_tab_it_comes_back_too_and_is_kept_at_the_sign_in(
    otto: Person, contoso: Tenant, strict: Client
) -> None:
    sign_in(strict, otto)
    open_form = form_of(strict)
    strict.logout()
    answer = strict.post(ADDRESS, open_form)
    assert answer.status_code == HTTPStatus.FORBIDDEN
    page = unescape(answer.content.decode())
    assert "All that I <typed></textarea>" in page
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))
    assert strict.post(ADDRESS, {**hidden, **TYPED})["Location"].startswith("/auth/sign-in")
    sign_in(strict, otto)
    assert "All that I &lt;typed&gt;</textarea>" in strict.get(ADDRESS).content.decode()


def test_nobody_is_shown_what_another_typed_or_another_site_sent(
    otto: Person, contoso: Tenant, person: MakePerson, strict: Client
) -> None:
    sign_in(strict, otto)
    open_form = form_of(strict)
    elsewhere = strict.post(ADDRESS, open_form, headers={"origin": "https://evil.example"})
    signed_in_again(strict, person(contoso, "Paula"))
    for answer in (
        elsewhere,
        strict.post(ADDRESS, open_form),
        strict.post(ADDRESS, TYPED),
        strict.post(ADDRESS, {**open_form, "unsent_owner": "forged"}),
    ):
        assert answer.status_code == HTTPStatus.FORBIDDEN
        assert "This form is out of date." in text(answer)
        assert "All that I" not in text(answer)


@pytest.mark.parametrize("only", ["portal_person", "django_session"])
def test_a_form_out_of_date_while_the_store_is_down_is_no_error(
    only: str, otto: Person, contoso: Tenant, strict: Client
) -> None:
    sign_in(strict, otto)
    with down(only=only):
        answer = strict.post(ADDRESS, TYPED)
    assert answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert answer["Retry-After"]
