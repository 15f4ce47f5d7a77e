"""What remembers somebody elsewhere than in rows of their own: drafts, the admin log, memory."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.sessions.models import Session
from django.test import Client, RequestFactory
from django.utils import timezone

from portal.models import Person
from redirection import refusals, retention
from redirection.erasure import erase_person, erase_tenant
from redirection.models import (
    DigestSubscription,
    LocalRole,
    Refusal,
    RoleSnapshot,
    Tenant,
    WebhookEndpoint,
)
from tests.conftest import MakePerson
from tests.outbox import given, hook
from tests.test_erasure import everything_stored

FORM = "/redirection/feedback"
TYPED = "Half a sentence"


@pytest.fixture
def olga(db: None) -> Client:
    """The browser of an operator."""
    operator = Person.objects.create_superuser("olga")
    browser = Client(headers={"host": "security.localhost"})
    browser.force_login(operator, "django.contrib.auth.backends.ModelBackend")
    return browser


def erase(tenant: Tenant) -> None:
    erase_tenant(tenant, reason="The contract has ended", operator="a test", channel="command")


def draft_of(person: Person, browser: Client, tenant: Tenant | None = None) -> None:
    """What somebody sent after their session had ended: in a session of nobody."""
    browser.force_login(person)
    asked = {"tid": tenant.tid} if tenant else {}
    owner = browser.get(FORM, asked).context["unsent_owner"]
    browser.logout()
    browser.post(FORM, {"kind": "missing", "text": TYPED, "unsent_owner": owner})
    assert TYPED in everything_stored()


def test_a_draft_in_a_session_of_nobody_goes_with_who_typed_it(
    otto: Person, destination: Client
) -> None:
    draft_of(otto, destination)
    assert erase_person(otto)["session"] == 1
    assert TYPED not in everything_stored()


def test_a_draft_goes_with_the_tenant_it_was_typed_for_and_others_stay(
    contoso: Tenant, fabrikam: Tenant, person: MakePerson, destination: Client
) -> None:
    guest = person(contoso, "Gustav")
    RoleSnapshot.objects.create(person=guest, tenant=fabrikam)
    draft_of(guest, destination, contoso)
    other = Client(headers={"host": "security.localhost"})
    other.force_login(person(fabrikam, "Fay"))
    erase(contoso)
    assert TYPED not in everything_stored()
    assert Session.objects.count() == 1
    assert Person.objects.filter(pk=guest.pk).exists()


def test_the_drafts_and_sessions_of_others_stay(
    otto: Person, rita: Person, destination: Client
) -> None:
    draft_of(rita, destination)
    assert erase_person(otto)["session"] == 0
    assert TYPED in everything_stored()


def test_a_kept_form_that_nobody_signed_stops_nothing(otto: Person, destination: Client) -> None:
    session = destination.session
    session["unsent_feedback"] = {"unsent_owner": "forged"}
    session.save()
    assert erase_person(otto)["session"] == 0
    assert Session.objects.count() == 1


def test_sessions_elsewhere_run_out_there(otto: Person, destination: Client, settings: Any) -> None:
    destination.force_login(otto)
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
    assert erase_person(otto)["session"] == 0
    retention.forget()
    retention.let_go()
    assert Session.objects.count() == 1


def test_a_session_that_has_run_out_goes_with_the_drafts_in_it(
    otto: Person, rita: Person, destination: Client, legacy: Client
) -> None:
    draft_of(otto, destination)
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    legacy.force_login(rita)
    retention.forget()
    retention.let_go()
    assert TYPED not in everything_stored()
    assert Session.objects.count() == 1


def test_what_operators_did_with_a_persons_rows_stays_without_names(
    contoso: Tenant, otto: Person, olga: Client
) -> None:
    otto.display_name = "Wilhelmina"
    otto.save()
    deleted = DigestSubscription.objects.create(person=otto, tenant=contoso, every="day")
    olga.post(f"/admin/redirection/digestsubscription/{deleted.pk}/delete/", {"post": "yes"})
    olga.post(f"/admin/portal/person/{otto.pk}/change/", {"display_name": "Wilhelmina"})
    LogEntry.objects.create(
        user=Person.objects.get(username="olga"),
        content_type_id=_content_type(LocalRole),
        object_id=str(_role_of(otto, contoso).pk),
        object_repr="Wilhelmina / Contoso: Security reader",
        action_flag=2,
        change_message="Changed the role of Wilhelmina.",
    )
    number = LogEntry.objects.count()
    assert number == 3
    erase_person(otto)
    assert "Wilhelmina" not in everything_stored()
    assert LogEntry.objects.count() == number


def test_what_operators_did_with_a_tenants_rows_stays_without_names(
    contoso: Tenant, otto: Person, olga: Client
) -> None:
    fields = {"tenant": contoso.pk, "url": "https://hooks.contoso.com/x", "is_active": "on"}
    olga.post("/admin/redirection/webhookendpoint/add/", fields)
    report = given(contoso, otto)
    assert "Contoso" not in str(report)
    assert WebhookEndpoint.objects.count() == LogEntry.objects.count() == 1
    erase(contoso)
    left = everything_stored()
    for trace in ("hooks.contoso.com", "contoso", "Contoso"):
        assert trace not in left
    assert LogEntry.objects.get().object_repr == "erased"


def test_what_operators_did_with_others_keeps_its_names(
    fabrikam: Tenant, otto: Person, olga: Client
) -> None:
    kept = hook(fabrikam)
    olga.post(
        f"/admin/redirection/webhookendpoint/{kept.pk}/change/",
        {"tenant": fabrikam.pk, "url": "https://hooks.example.com/new", "is_active": "on"},
    )
    erase_person(otto)
    entry = LogEntry.objects.get()
    assert entry.object_repr == "https://hooks.example.com/new"
    assert "Changed" in entry.get_change_message()


@pytest.mark.parametrize("has_history", [True, False])
def test_a_refusal_that_waits_in_memory_is_forgotten(
    contoso: Tenant, otto: Person, rita: Person, has_history: bool
) -> None:
    """Where the account stays, for a history, its old name would come back with it."""
    if has_history:
        _role_of(otto, contoso)
    name = otto.username
    for somebody in (otto, rita):
        asked = RequestFactory().get("/x")
        asked.user = somebody
        refusals.record(asked, refusals.What.ROLE)
    erase_person(otto)
    refusals.write_refusals()
    assert Refusal.objects.get().who == rita.username
    assert name not in everything_stored()


def _role_of(person: Person, tenant: Tenant) -> LocalRole:
    how = {"reason": "Team lead", "channel": "command", "operator": "a test"}
    LocalRole.objects.give_local_role(tenant, person, "security_reader", **how)
    return LocalRole.objects.get(person=person)


def _content_type(model: Any) -> int:
    from django.contrib.contenttypes.models import ContentType

    return ContentType.objects.get_for_model(model).pk
