"""What a sender has read of the answers: what was shown, and nothing that came meanwhile."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from portal.models import Person
from redirection.feedback.own import note_as_read, reports_of, with_replies
from redirection.models import Answer, Feedback, Tenant, Trouble
from tests.reporting import report
from tests.test_settings_page import sign_in, text

MINE = "/redirection/my-feedback"
MOMENT = timedelta(microseconds=1)


@pytest.fixture
def sent(contoso: Tenant, otto: Person) -> Feedback:
    return report(contoso, otto)


def answer(trouble: Trouble, at: datetime, words: str = "Soon") -> Answer:
    return Answer.objects.create(
        trouble=trouble, state="open", text=words, author_name="Olga", at=at
    )


def test_an_answer_given_while_the_page_is_made_is_still_new(
    sent: Feedback, otto: Person, destination: Client
) -> None:
    first = answer(sent.trouble, sent.created_at + MOMENT, "The first")
    shown = with_replies(reports_of(otto))
    answer(sent.trouble, first.at + MOMENT, "The second")
    note_as_read(shown)
    sign_in(destination, otto)
    page = text(destination.get(MINE))
    assert page.count("New</span>") == 1
    assert page.index("New</span>") < page.index("The second") < page.index("The first")
    assert "New</span>" not in text(destination.get(MINE))


def test_an_answer_of_the_very_moment_was_there_before(
    sent: Feedback, otto: Person, destination: Client
) -> None:
    # Neither is it told as news ...
    answer(sent.trouble, sent.created_at)
    assert with_replies(reports_of(otto))[0].replies == []
    sign_in(destination, otto)
    assert "new answer" not in text(destination.get("/alerts"))
    # ... nor one that was read at that moment.
    later = answer(sent.trouble, sent.created_at + MOMENT)
    Feedback.objects.update(read_at=later.at)
    [own] = with_replies(reports_of(otto))
    assert [(reply.answer, reply.is_new) for reply in own.replies] == [(later, False)]
    assert "new answer" not in text(destination.get("/alerts"))


def test_reports_are_read_up_to_their_own_newest_answer_with_one_write(
    sent: Feedback, otto: Person, contoso: Tenant
) -> None:
    other = report(contoso, otto, page="/#/files")
    unanswered = report(contoso, otto, page="/#/policy")
    newest = answer(sent.trouble, sent.created_at + 2 * MOMENT)
    answer(sent.trouble, sent.created_at + MOMENT)
    latest = answer(other.trouble, other.created_at + 9 * MOMENT)
    shown = with_replies(reports_of(otto))
    with CaptureQueriesContext(connection) as asked:
        note_as_read(shown)
    assert len([query for query in asked if query["sql"].startswith("UPDATE")]) == 1
    for one in (sent, other, unanswered):
        one.refresh_from_db()
    assert (sent.read_at, other.read_at, unanswered.read_at) == (newest.at, latest.at, None)
