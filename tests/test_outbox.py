"""What is told is written with what it tells of, and only to whoever may hear of it."""

from __future__ import annotations

import tracemalloc
from typing import Any

from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from portal.models import Person
from redirection.models import Answer, Feedback, OutgoingMessage, Tenant
from redirection.outbox import events
from tests.conftest import MakePerson
from tests.outbox import answered, given, hook


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


def test_no_other_tenant_learns_whose_report_opened_it_again(
    contoso: Tenant, fabrikam: Tenant, otto: Person, person: MakePerson
) -> None:
    fay = person(fabrikam, "Fay")
    given(fabrikam, fay)
    answered(given(contoso, otto).trouble, state="fixed")
    hook(contoso), hook(fabrikam), hook(None, "https://all.example.com/")
    given(fabrikam, fay, text="Still gone")
    reopened = OutgoingMessage.objects.filter(event="trouble.reopened")
    told = {message.tenant: message.content["data"]["trouble"] for message in reopened}
    assert {tenant: trouble["reports"] for tenant, trouble in told.items()} == {
        fabrikam: 2,
        None: 3,
    }
    assert {trouble["state"] for trouble in told.values()} == {"open"}
    assert not OutgoingMessage.objects.filter(tenant=contoso).exists()


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
