"""What is told is written with what it tells of, and sent until it is delivered or given up."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import pytest
import responses
from django.core.mail import EmailMessage
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation

from portal.models import Person
from redirection.models import (
    Answer,
    Feedback,
    OutgoingMessage,
    Tenant,
    Trouble,
    WebhookEndpoint,
)
from redirection.outbox import events, mails, sending
from redirection.outbox.sending import FIRST_PAUSE, LONGEST_PAUSE, MOST_TRIES, Sender, note, take
from redirection.outbox.webhooks import Outcome
from tests.conftest import MakePerson
from tests.outbox import HOOK, answered, given, hook, send_all


def test_a_report_is_told_to_hooks_of_its_tenant_and_of_all(
    contoso: Tenant, fabrikam: Tenant, otto: Person
) -> None:
    own, everything = hook(contoso), hook(None, "https://all.example.com/")
    hook(fabrikam, "https://fabrikam.example.com/")
    given(contoso, otto, text="The filter is gone", page="/alerts/5")
    messages = OutgoingMessage.objects.order_by("pk")
    assert {message.endpoint for message in messages} == {own, everything}
    content = messages[0].content
    assert content["type"] == "feedback.given"
    assert content["timestamp"].endswith("Z")
    assert content["data"]["tenant"] == {"id": str(contoso.tid), "name": "contoso"}
    assert content["data"]["text"] == "The filter is gone"
    # Whoever reports is not named to programs.
    assert str(otto) not in str(content)
    assert otto.username not in str(content)


def test_what_is_rolled_back_is_not_told(contoso: Tenant, otto: Person) -> None:
    hook(contoso)
    with transaction.atomic():
        given(contoso, otto)
        transaction.set_rollback(True)
    assert not OutgoingMessage.objects.exists()


def test_an_inactive_hook_hears_nothing(contoso: Tenant, otto: Person) -> None:
    hook(contoso, is_active=False)
    given(contoso, otto)
    assert not OutgoingMessage.objects.exists()


def test_an_answer_tells_each_tenant_of_its_own_reports_only(
    contoso: Tenant, fabrikam: Tenant, otto: Person, person: MakePerson
) -> None:
    given(contoso, otto, text="contoso-canary")
    first = given(fabrikam, person(fabrikam, "Fay"), text="fabrikam-canary")
    given(fabrikam, person(fabrikam, "Fred"))
    hook(contoso), hook(None, "https://all.example.com/")
    unconcerned = Tenant(tid="33333333-3333-4333-8333-333333333333", name="other", title="Other")
    unconcerned.provision(reason="x", channel="command", operator="a test")
    hook(unconcerned, "https://other.example.com/")
    answered(first.trouble, text="Try again")
    told = {message.tenant: message.content["data"] for message in OutgoingMessage.objects.all()}
    assert set(told) == {contoso, None}
    assert told[contoso]["trouble"]["reports"] == 1
    assert told[None]["trouble"]["reports"] == 3
    assert told[contoso]["answer"]["text"] == "Try again"
    assert "fabrikam" not in str(told)


def test_a_report_on_what_was_fixed_tells_that_it_is_open_again(
    contoso: Tenant, otto: Person
) -> None:
    answered(given(contoso, otto).trouble, state="fixed")
    hook(contoso)
    given(contoso, otto, text="Still gone")
    assert set(OutgoingMessage.objects.values_list("event", flat=True)) == {
        "feedback.given",
        "trouble.reopened",
    }
    given(contoso, otto, text="And again")
    assert OutgoingMessage.objects.filter(event="trouble.reopened").count() == 1


def test_mail_goes_to_those_who_agreed_once_each(
    contoso: Tenant, otto: Person, rita: Person, settings: Any
) -> None:
    settings.REDIRECTION_SENDS_MAIL = True
    report = given(contoso, otto, may_contact=True)
    given(contoso, otto, may_contact=True, text="More of it")
    given(contoso, rita)
    answered(report.trouble)
    assert [message.person for message in OutgoingMessage.objects.all()] == [otto]


def test_without_a_way_to_send_mail_none_is_written(contoso: Tenant, otto: Person) -> None:
    answered(given(contoso, otto, may_contact=True).trouble)
    assert not OutgoingMessage.objects.exists()


def test_an_answer_to_many_senders_is_written_in_pieces(
    contoso: Tenant, otto: Person, settings: Any
) -> None:
    settings.REDIRECTION_SENDS_MAIL = True
    trouble = given(contoso, otto).trouble
    people = Person.objects.bulk_create(Person(username=f"{number}") for number in range(1200))
    Feedback.objects.bulk_create(
        Feedback(
            tenant=contoso, person=one, trouble=trouble, portal="legacy", kind="missing",
            may_contact=True,
        )
        for one in people
    )  # fmt: skip
    answer = Answer.objects.create(
        trouble=trouble, state="planned", text="Soon", author_name="Olga"
    )
    tracemalloc.start()
    with CaptureQueriesContext(
        connection,
    ) as queries:
        events.trouble_answered(answer)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert OutgoingMessage.objects.count() == 1200
    assert len(queries) < 20
    # All at once would be three times as much.
    assert peak < 8_000_000


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


@responses.activate
def test_what_fails_is_tried_again_with_the_same_number(contoso: Tenant, otto: Person) -> None:
    responses.post(HOOK, status=500)
    responses.post(HOOK, status=200)
    hook(contoso)
    given(contoso, otto)
    send_all()
    message = OutgoingMessage.objects.get()
    assert (message.tries, message.problem, message.sent_at) == (1, "HTTP 500", None)
    assert message.due_at > timezone.now() + timedelta(seconds=FIRST_PAUSE / 2)
    send_all()
    assert len(responses.calls) == 1
    OutgoingMessage.objects.update(due_at=timezone.now())
    send_all()
    message.refresh_from_db()
    assert message.sent_at is not None
    first, second = (call.request.headers["webhook-id"] for call in responses.calls)
    assert first == second


def test_pauses_grow_to_three_days_in_all() -> None:
    pauses = [sending.pause_after(tries) for tries in range(1, MOST_TRIES)]
    assert 0.8 * FIRST_PAUSE <= pauses[0] <= 1.2 * FIRST_PAUSE
    assert max(pauses) <= 1.2 * LONGEST_PAUSE
    assert 2 * 86400 < sum(pauses) < 4 * 86400
    assert sending.pause_after(10**6) <= 1.2 * LONGEST_PAUSE


def waiting(tenant: Tenant, otto: Person) -> OutgoingMessage:
    hook(tenant)
    given(tenant, otto)
    return OutgoingMessage.objects.get()


def test_after_the_last_try_it_is_given_up(contoso: Tenant, otto: Person) -> None:
    message = waiting(contoso, otto)
    OutgoingMessage.objects.update(tries=MOST_TRIES - 1)
    note(message.pk, Outcome("HTTP 500"))
    message.refresh_from_db()
    assert message.given_up_at is not None
    assert not sending.due(timezone.now() + timedelta(days=30)).exists()


def test_a_receiver_may_ask_for_a_longer_pause(contoso: Tenant, otto: Person) -> None:
    message = waiting(contoso, otto)
    note(message.pk, Outcome("HTTP 429", wait=3600))
    message.refresh_from_db()
    assert message.due_at > timezone.now() + timedelta(seconds=3500)
    note(message.pk, Outcome("HTTP 429", wait=10**6 - 1))
    message.refresh_from_db()
    assert message.due_at < timezone.now() + timedelta(days=1)


def test_what_somebody_took_is_nobody_elses_until_they_are_dead(
    contoso: Tenant, otto: Person
) -> None:
    message = waiting(contoso, otto)
    assert take(message.endpoint_id) == [message]
    assert take(message.endpoint_id) == []
    # Killed here: nothing was written down.
    OutgoingMessage.objects.update(due_at=timezone.now())
    assert take(message.endpoint_id) == [message]


@responses.activate
def test_a_receiver_that_is_gone_is_switched_off(contoso: Tenant, otto: Person) -> None:
    responses.post(HOOK, status=410)
    message = waiting(contoso, otto)
    send_all()
    message.refresh_from_db()
    assert message.given_up_at is not None
    assert not WebhookEndpoint.objects.get().is_active


@responses.activate
def test_a_receiver_that_hangs_holds_up_no_other(
    contoso: Tenant, otto: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    import threading

    ready = threading.Event()

    def hang(_: Any) -> tuple[int, dict[str, str], str]:
        ready.wait(20)
        return 200, {}, ""

    responses.add_callback("POST", HOOK, hang)
    responses.post("https://quick.example.com/", status=204)
    slow, quick = hook(contoso), hook(contoso, "https://quick.example.com/")
    for number in range(3):
        given(contoso, otto, text=f"Number {number}")
    sender = Sender()
    try:
        until = timezone.now() + timedelta(seconds=10)
        while quick.messages.filter(sent_at=None).exists() and timezone.now() < until:
            sender.step()
        assert not quick.messages.filter(sent_at=None).exists()
        assert slow.messages.filter(sent_at=None).count() == 3
        # Given up after its time, it is tried again later, and others go on meanwhile.
        monkeypatch.setattr(sending, "LOST_SECONDS", 0.0)
        sender.step()
        assert set(slow.messages.values_list("problem", flat=True)) == {"No end of the answer."}
        assert len(sender.lost) == 1
    finally:
        ready.set()
        sender.finish()


def test_operators_see_what_was_given_up_and_try_it_again(
    contoso: Tenant, otto: Person, destination: Client
) -> None:
    message = waiting(contoso, otto)
    OutgoingMessage.objects.update(given_up_at=timezone.now(), tries=17, problem="HTTP 500")
    olga = Person.objects.create_superuser("olga", password="x")
    destination.force_login(olga, backend="django.contrib.auth.backends.ModelBackend")
    page = "/admin/redirection/outgoingmessage/"
    listed = destination.get(f"{page}?state=given_up")
    assert listed.status_code == HTTPStatus.OK
    assert "HTTP 500" in listed.content.decode()
    data = {"action": "try_again", "_selected_action": [str(message.pk)]}
    assert destination.post(page, data, follow=True).status_code == HTTPStatus.OK
    message.refresh_from_db()
    assert (message.given_up_at, message.tries) == (None, 0)


def test_operators_without_the_permission_see_no_messages(
    contoso: Tenant, destination: Client
) -> None:
    olga = Person.objects.create_user("olga", is_staff=True)
    destination.force_login(olga, backend="django.contrib.auth.backends.ModelBackend")
    for name in ("outgoingmessage", "webhookendpoint", "digestsubscription", "refusal"):
        answer = destination.get(f"/admin/redirection/{name}/")
        assert answer.status_code == HTTPStatus.FORBIDDEN
