"""Operator pages of messages: what waits, what was given up, and trying again."""

from __future__ import annotations

from http import HTTPStatus

from django.test import Client
from django.utils import timezone

from portal.models import Person
from redirection.models import OutgoingMessage, Tenant
from tests.outbox import waiting


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
