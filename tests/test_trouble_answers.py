"""Answers: one to all senders of a trouble, and what two operators at once see."""

from __future__ import annotations

from http import HTTPStatus

import pytest
from django.core.exceptions import ValidationError
from django.test import Client

from portal.models import Person
from redirection.feedback.answers import AnsweredMeanwhile, announce, checked_page
from redirection.models import Answer, Tenant, Trouble
from tests.reporting import report
from tests.test_link_rule_pages import operator
from tests.test_settings_page import sign_in, text
from tests.troubles import QUEUE, answer, fay, olga, page_of, trouble

__all__ = ["fay", "olga", "trouble"]


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


def test_line_breaks_count_as_they_are_kept_and_no_browser_cuts_the_text(
    olga: Client, trouble: Trouble
) -> None:
    lines = "\r\n".join("x" for _ in range(1_900))
    assert olga.post(page_of(trouble), answer(text=lines)).status_code == HTTPStatus.FOUND
    assert Answer.objects.get().text == lines.replace("\r\n", "\n")
    form = olga.get(page_of(trouble)).content.decode().partition("<textarea")[2].partition(">")[0]
    assert "maxlength" not in form


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
