"""Mail about an answer: to whoever may be contacted and still may know, in their language."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.mail import EmailMessage
from django.utils import translation

from portal.models import Person
from redirection.models import Answer, Feedback, OutgoingMessage, Tenant, Trouble
from redirection.outbox import events, mails
from tests.outbox import answered, given, send_all


def mail(person: Person, tenant: Tenant, answer: Answer) -> EmailMessage | None:
    return mails.mail_of(
        OutgoingMessage(
            kind="mail", number="0" * 32, event=events.FEEDBACK_ANSWERED, tenant=tenant,
            person=person, content={"answer": answer.pk},
        )
    )  # fmt: skip


@pytest.fixture
def asked(contoso: Tenant, otto: Person) -> Feedback:
    """Otto reported something in German and may be contacted."""
    Person.objects.filter(pk=otto.pk).update(email="otto@contoso.example")
    otto.refresh_from_db()
    with translation.override("de"):
        return given(contoso, otto, may_contact=True, page="/alerts/5")


def test_an_answer_is_mailed_in_the_language_of_the_report(
    asked: Feedback, contoso: Tenant, otto: Person
) -> None:
    answer = answered(asked.trouble, state="fixed", text="It is back")
    with translation.override("de"):
        state = str(Trouble.State.FIXED.label)
    made = mail(otto, contoso, answer)
    assert made is not None
    assert made.to == ["otto@contoso.example"]
    assert state in made.subject
    assert "It is back" in made.body
    assert f"http://security.localhost/redirection/my-feedback?tid={contoso.tid}" in made.body


@pytest.mark.parametrize(
    "gone",
    [
        lambda report: report.delete(),
        lambda report: Feedback.objects.filter(pk=report.pk).update(may_contact=False),
        lambda report: Person.objects.filter(pk=report.person_id).update(is_active=False),
        lambda report: Person.objects.filter(pk=report.person_id).update(email="no address"),
        lambda report: Person.objects.filter(pk=report.person_id).update(
            email="a@b.example\nBcc: c@d.example"
        ),
        lambda report: Tenant.objects.filter(pk=report.tenant_id).update(enabled=False),
    ],
    ids=["report", "agreement", "account", "address", "header injected", "tenant"],
)  # fmt: skip
def test_nobody_gets_mail_they_should_not(
    gone: Callable[[Feedback], object], asked: Feedback, contoso: Tenant, otto: Person
) -> None:
    answer = answered(asked.trouble)
    gone(asked)
    otto.refresh_from_db()
    contoso.refresh_from_db()
    assert mail(otto, contoso, answer) is None


def test_mail_that_is_due_is_sent(
    asked: Feedback, settings: Any, mailoutbox: list[EmailMessage]
) -> None:
    settings.REDIRECTION_SENDS_MAIL = True
    answered(asked.trouble)
    send_all()
    assert [made.to for made in mailoutbox] == [["otto@contoso.example"]]
    message = OutgoingMessage.objects.get()
    assert message.sent_at is not None
    send_all()
    assert len(mailoutbox) == 1
