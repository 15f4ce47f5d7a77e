"""Reports, answers and webhooks, and a sender that sends what is due."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection

from portal.models import Person
from redirection.feedback.answers import announce
from redirection.feedback.giving import record
from redirection.models import (
    Answer,
    Feedback,
    OutgoingMessage,
    Tenant,
    Trouble,
    WebhookEndpoint,
)
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


def waiting(tenant: Tenant, person: Person) -> OutgoingMessage:
    """The only message: a report, for a webhook of its tenant."""
    hook(tenant)
    given(tenant, person)
    return OutgoingMessage.objects.get()


@contextmanager
def at_first_update(other: Callable[[], object]) -> Iterator[None]:
    """``other`` does its work between what is read and the first row that is written."""
    is_done = False

    def execute(run: Any, sql: str, *rest: Any) -> Any:
        nonlocal is_done
        if sql.startswith("UPDATE") and not is_done:
            is_done = True
            other()
        return run(sql, *rest)

    with connection.execute_wrapper(execute):
        yield


def send_all() -> None:
    """What is due now is sent, or has failed, when it returns."""
    sender = Sender()
    while sender.step():
        time.sleep(0.001)
