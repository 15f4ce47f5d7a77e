"""Feedback sent while the store is down: nothing typed is lost, and nothing is half sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import unescape
from http import HTTPStatus
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import InterfaceError, OperationalError, connection
from django.test import Client

from portal.models import Person
from redirection.models import Feedback, OutgoingMessage, Tenant, Trouble
from tests.conftest import PAGE_LOAD
from tests.test_settings_page import sign_in, text, unsent_owner

FORM = "/redirection/feedback"
ADDRESS = f"{FORM}?about=%2F%23%2Faudits&from=no_counterpart"
TYPED = {
    "source": "no_counterpart",
    "page": "/#/audits",
    "kind": "broken",
    "text": "All that I <typed>",
    "rating": "2",
    "may_contact": "on",
}


@contextmanager
def down(error: type[Exception] = OperationalError, only: str = "") -> Iterator[None]:
    """The store answers nothing; with ``only`` nothing that names this table."""

    def refuse(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        if only in sql:
            raise error("the server closed the connection")
        return execute(sql, *rest)

    with connection.execute_wrapper(refuse):
        yield


def assert_all_is_there(answer: Any) -> None:
    assert answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert answer["Retry-After"]
    page = unescape(answer.content.decode())
    assert "All that you typed is still here" in page
    assert "All that I <typed></textarea>" in page
    assert 'value="/#/audits"' in page
    assert 'name="source" value="no_counterpart"' in page
    for checked in ("broken", "2"):
        assert f'value="{checked}"' in page
    assert page.count(" checked") == 3
    assert page.count("autofocus") == 1


@pytest.mark.parametrize("portal", ["legacy", "destination"])
@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
@pytest.mark.parametrize("only", ["", "redirection_tenant", "redirection_trouble"])
def test_the_form_comes_back_with_all_that_was_typed(
    portal: str,
    error: type[Exception],
    only: str,
    otto: Person,
    contoso: Tenant,
    request: pytest.FixtureRequest,
) -> None:
    browser: Client = request.getfixturevalue(portal)
    sign_in(browser, otto)
    made_for = unsent_owner(browser, FORM)
    with down(error, only):
        answer = browser.post(ADDRESS, {**TYPED, "unsent_owner": made_for})
    assert_all_is_there(answer)
    assert not any(model.objects.exists() for model in (Feedback, Trouble, OutgoingMessage))
    # The form is the same as before: sent again, or kept while somebody signs in anew.
    page = unescape(answer.content.decode())
    assert f'value="{made_for}"' in page
    assert 'action="?about=%2F%23%2Faudits&from=no_counterpart"' in page
    assert browser.post(ADDRESS, TYPED).status_code == HTTPStatus.FOUND
    assert Feedback.objects.get().text == "All that I <typed>"


def test_nobody_is_sent_away_whose_sign_in_cannot_be_looked_up(
    otto: Person, contoso: Tenant, destination: Client
) -> None:
    sign_in(destination, otto)
    with down():
        assert_all_is_there(destination.post(ADDRESS, TYPED))
    destination.logout()
    # Signed out, what was typed has to be kept in a session.
    sign_in(destination, otto)
    made_for = unsent_owner(destination, FORM)
    destination.logout()
    with down(only="django_session"):
        assert_all_is_there(destination.post(ADDRESS, {**TYPED, "unsent_owner": made_for}))


def test_the_picture_is_asked_for_again(otto: Person, contoso: Tenant, destination: Client) -> None:
    sign_in(destination, otto)
    picture = SimpleUploadedFile("a.png", b"x" * 6_000_000, "image/png")
    with down():
        answer = destination.post(ADDRESS, {**TYPED, "screenshot": picture})
    assert_all_is_there(answer)
    assert "add it again" in text(answer)


def test_a_forged_form_is_refused_then_too(otto: Person, contoso: Tenant) -> None:
    strict = Client(enforce_csrf_checks=True, headers={"host": "security.localhost", **PAGE_LOAD})
    sign_in(strict, otto)
    with down():
        answer = strict.post(ADDRESS, TYPED)
    assert answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert "All that I" not in text(answer)


def test_other_pages_say_that_the_store_is_down(
    otto: Person, contoso: Tenant, destination: Client
) -> None:
    sign_in(destination, otto)
    with down():
        for answer in (
            destination.get(FORM),
            destination.get("/alerts"),
            destination.post("/redirection/step-back", TYPED),
            destination.post("/no-such-page", TYPED),
        ):
            assert answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE
            assert "The store does not answer." in text(answer)
