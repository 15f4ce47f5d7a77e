"""Reports, answers and webhooks, and a sender that sends what is due."""

from __future__ import annotations

import time
from typing import Any

from portal.models import Person
from redirection.feedback.answers import announce
from redirection.feedback.giving import record
from redirection.models import Answer, Feedback, Tenant, Trouble, WebhookEndpoint
from redirection.outbox.sending import Sender

HOOK = "https://hooks.example.com/feedback"


def hook(tenant: Tenant | None, url: str = HOOK, *, is_active: bool = True) -> WebhookEndpoint:
    return WebhookEndpoint.objects.create(tenant=tenant, url=url, is_active=is_active)


def given(tenant: Tenant, person: Person, **said: Any) -> Feedback:
    """A report that something is missing on the alerts page, or what is ``said``."""
    return record(
        tenant,
        person,
        **{
            "kind": "missing",
            "text": "It is gone",
            "page": "/alerts",
            "portal": "destination",
            "source": "header",
        }
        | said,
    )


def answered(
    trouble: Trouble, state: str = "planned", text: str = "Soon", page: str = ""
) -> Answer:
    olga, _ = Person.objects.get_or_create(username="olga", is_staff=True)
    return announce(trouble, state=state, text=text, page=page, author=olga)


def send_all() -> None:
    """What is due now is sent, or has failed, when it returns."""
    sender = Sender()
    while sender.step():
        time.sleep(0.001)
