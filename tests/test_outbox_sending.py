"""What is due is sent until it is delivered or given up, by one sender or by several."""

from __future__ import annotations

from datetime import timedelta

import responses
from django.utils import timezone

from portal.models import Person
from redirection.models import OutgoingMessage, Tenant, WebhookEndpoint
from redirection.outbox import sending
from redirection.outbox.sending import FIRST_PAUSE, LONGEST_PAUSE, MOST_TRIES, note, take
from redirection.outbox.webhooks import Outcome
from tests.outbox import HOOK, at_first_update, given, hook, send_all, waiting


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
def test_a_tenant_that_is_disabled_gets_nothing_until_it_is_enabled_again(
    contoso: Tenant, otto: Person
) -> None:
    responses.post(HOOK, status=204)
    responses.post("https://all.example.com/", status=204)
    hook(None, "https://all.example.com/")
    hook(contoso)
    given(contoso, otto)
    Tenant.objects.update(enabled=False)
    send_all()
    assert [call.request.url for call in responses.calls] == ["https://all.example.com/"]
    Tenant.objects.update(enabled=True)
    send_all()
    assert responses.calls[-1].request.url == HOOK


def test_of_two_senders_that_find_the_same_message_one_takes_it(
    contoso: Tenant, otto: Person
) -> None:
    message = waiting(contoso, otto)
    others: list[OutgoingMessage] = []
    with at_first_update(lambda: others.extend(take(message.endpoint_id))):
        own = take(message.endpoint_id)
    assert (others, own) == ([message], [])
