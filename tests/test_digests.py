"""Digests: to whoever asked for them and may still see them, of their own tenant only."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

import pytest
from django.core.mail import EmailMessage
from django.test import Client
from django.utils import timezone

from portal.models import Person
from redirection.models import DigestSubscription, Feedback, OutgoingMessage, RoleSnapshot, Tenant
from redirection.outbox import digests
from tests.conftest import MakePerson
from tests.outbox import at_first_update, given, send_all

NOW = timezone.now()
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def mail_is_sent(settings: Any) -> None:
    settings.REDIRECTION_SENDS_MAIL = True


@pytest.fixture
def subscribed(contoso: Tenant, rita: Person) -> DigestSubscription:
    """Rita, who may look, gets contoso's every day."""
    Person.objects.filter(pk=rita.pk).update(email="rita@contoso.example")
    return DigestSubscription.objects.create(
        person=rita, tenant=contoso, every="day", told_until=NOW - DAY, language="en"
    )


def test_a_digest_tells_of_the_own_tenant_only(
    subscribed: DigestSubscription,
    contoso: Tenant,
    fabrikam: Tenant,
    otto: Person,
    person: MakePerson,
    mailoutbox: list[EmailMessage],
) -> None:
    given(contoso, otto)
    given(contoso, otto, text="Again")
    given(fabrikam, person(fabrikam, "Fay"), page="/policies", text="fabrikam-canary")
    Feedback.objects.update(created_at=NOW - DAY / 2)
    assert digests.write_due(NOW) == 1
    send_all()
    (made,) = mailoutbox
    assert made.to == ["rita@contoso.example"]
    assert made.subject == "What people report in Contoso"
    assert "Missing: 2 reports. State: Open" in made.body
    assert "policies" not in made.body
    assert "canary" not in made.body
    page = f"http://security.localhost/cloudapps/settings/reported?tid={contoso.tid}"
    assert page in made.body
    assert made.extra_headers["List-Unsubscribe"] == f"<{page}>"


def test_once_a_period_and_at_the_same_time_of_day(
    subscribed: DigestSubscription, contoso: Tenant, otto: Person
) -> None:
    given(contoso, otto)
    Feedback.objects.update(created_at=NOW - DAY / 2)
    assert digests.write_due(NOW + timedelta(hours=1)) == 1
    assert digests.write_due(NOW + timedelta(hours=2)) == 0
    subscribed.refresh_from_db()
    assert subscribed.told_until == NOW


def test_of_two_senders_at_once_one_writes_it(
    subscribed: DigestSubscription, contoso: Tenant, otto: Person
) -> None:
    given(contoso, otto)
    Feedback.objects.update(created_at=NOW - DAY / 2)
    others: list[int] = []
    with at_first_update(lambda: others.append(digests.write_due(NOW))):
        assert digests.write_due(NOW) == 0
    assert others == [1]
    assert OutgoingMessage.objects.count() == 1


def test_a_name_with_a_line_break_makes_no_header(
    subscribed: DigestSubscription, contoso: Tenant, otto: Person, mailoutbox: list[EmailMessage]
) -> None:
    Tenant.objects.update(title="Contoso\nBcc: somebody@else.example")
    given(contoso, otto)
    Feedback.objects.update(created_at=NOW - DAY / 2)
    digests.write_due(NOW)
    send_all()
    (made,) = mailoutbox
    assert made.message()["Subject"].endswith("Contoso Bcc: somebody@else.example")
    assert made.recipients() == ["rita@contoso.example"]


def test_where_nothing_was_reported_none_is_written(subscribed: DigestSubscription) -> None:
    assert digests.write_due(NOW) == 0
    subscribed.refresh_from_db()
    assert subscribed.told_until == NOW


def lose_the_role(rita: Person) -> None:
    RoleSnapshot.objects.filter(person=rita).update(directory_roles=[])


def leave(rita: Person) -> None:
    Person.objects.filter(pk=rita.pk).update(is_active=False)


def never_come_back(rita: Person) -> None:
    RoleSnapshot.objects.filter(person=rita).update(taken_at=NOW - timedelta(days=40))


@pytest.mark.parametrize("end", [lose_the_role, leave, never_come_back])
@pytest.mark.parametrize("when", ["before it is written", "before it is sent"])
def test_whoever_may_see_it_no_longer_gets_nothing_and_the_subscription_ends(
    end: Any,
    when: str,
    subscribed: DigestSubscription,
    contoso: Tenant,
    otto: Person,
    mailoutbox: list[EmailMessage],
) -> None:
    given(contoso, otto)
    Feedback.objects.update(created_at=NOW - DAY / 2)
    if when == "before it is sent":
        digests.write_due(NOW)
    end(subscribed.person)
    digests.write_due(NOW)
    send_all()
    assert mailoutbox == []
    assert not OutgoingMessage.objects.exists()
    if end is not leave or when == "before it is written":
        assert not DigestSubscription.objects.exists()


def test_operators_get_one_over_all_as_long_as_they_may(
    contoso: Tenant, otto: Person, mailoutbox: list[EmailMessage]
) -> None:
    olga = Person.objects.create_superuser("olga", email="olga@site.example")
    DigestSubscription.objects.create(person=olga, every="week", told_until=NOW - 7 * DAY)
    given(contoso, otto)
    Feedback.objects.update(created_at=NOW - DAY)
    assert digests.write_due(NOW) == 1
    send_all()
    assert mailoutbox[0].subject == "What people report, in all organisations"
    assert "/admin/redirection/trouble/" in mailoutbox[0].body
    Person.objects.update(is_staff=False)
    digests.write_due(NOW + 7 * DAY)
    assert not DigestSubscription.objects.exists()


def test_without_mail_no_digest_is_written(subscribed: DigestSubscription, settings: Any) -> None:
    settings.REDIRECTION_SENDS_MAIL = False
    digests.write_due(datetime(2100, 1, 1, tzinfo=UTC))
    subscribed.refresh_from_db()
    assert subscribed.told_until == NOW - DAY


def test_an_admin_subscribes_and_ends_it_on_the_page_of_reports(
    contoso: Tenant, rita: Person, destination: Client
) -> None:
    rita.email = "rita@contoso.example"
    rita.save()
    destination.force_login(rita)
    page = f"/cloudapps/settings/reported?tid={contoso.tid}"
    assert "rita@contoso.example" in destination.get(page).content.decode()
    switch = "/cloudapps/settings/switch-digest"
    answer = destination.post(switch, {"tid": contoso.tid, "every": "week"}, follow=True)
    assert "You get the summary by e-mail" in answer.content.decode()
    assert DigestSubscription.objects.get().every == "week"
    destination.post(switch, {"tid": contoso.tid, "every": "day"})
    assert DigestSubscription.objects.get().every == "day"
    destination.post(switch, {"tid": contoso.tid, "every": ""})
    assert not DigestSubscription.objects.exists()


@pytest.mark.parametrize("every", ["hour", "\x00", "day\n"])
def test_another_period_is_refused(
    every: str, contoso: Tenant, rita: Person, destination: Client
) -> None:
    destination.force_login(rita)
    answer = destination.post(
        "/cloudapps/settings/switch-digest", {"tid": contoso.tid, "every": every}
    )
    assert answer.status_code == HTTPStatus.BAD_REQUEST
    assert not DigestSubscription.objects.exists()


def test_an_operator_subscribes_in_the_operator_pages_for_themselves(
    db: None, destination: Client
) -> None:
    olga = Person.objects.create_superuser("olga", password="x")
    destination.force_login(olga, backend="django.contrib.auth.backends.ModelBackend")
    page = "/admin/redirection/digestsubscription/"
    for every in ("day", "week"):
        answer = destination.post(f"{page}add/", {"every": every}, follow=True)
        assert answer.status_code == HTTPStatus.OK
    held = DigestSubscription.objects.get()
    assert (held.person, held.tenant, held.every) == (olga, None, "week")
