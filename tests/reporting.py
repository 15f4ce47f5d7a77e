"""Reports as people give them, and many at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from portal.models import Person
from redirection.feedback.giving import record
from redirection.models import Feedback, Tenant, Traffic, Trouble

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
KINDS = tuple(Feedback.Kind.values)


def report(tenant: Tenant, person: Person, **said: Any) -> Feedback:
    """One report of a legacy page, as a form gives it."""
    usual = {
        "kind": "missing",
        "text": "Where is it?",
        "page": "/#/audits",
        "portal": "legacy",
        "source": "banner",
    }
    return record(tenant, person, **{**usual, **said})


def many(number: int, tenants: int, troubles: int = 200) -> None:
    """``number`` reports of ``troubles`` troubles by a person of each of ``tenants`` tenants."""
    owners = Tenant.objects.bulk_create(
        Tenant(tid=UUID(int=10**20 + count), name=f"tenant-{count}", title=f"Tenant {count}")
        for count in range(tenants)
    )
    people = Person.objects.bulk_create(
        Person(username=f"person-{count}", display_name=f"Person {count}", password="!")
        for count in range(tenants)
    )
    # The pages most used, and pages nobody knows.
    known = ("/audits", "/alerts", "/alerts/*", "/policy", "/discovery", "/users/*", "/files")
    routes = [
        known[count] if count < len(known) else f"/{_word(count)}" for count in range(troubles)
    ]
    stored = Trouble.objects.bulk_create(
        Trouble(
            route=routes[count],
            kind=KINDS[count % len(KINDS)],
            reports=len(range(count, number, troubles)),
            last_at=NOON,
        )
        for count in range(troubles)
    )
    Feedback.objects.bulk_create(
        (
            Feedback(
                tenant=owners[count % tenants],
                person=people[count % tenants],
                trouble=stored[count % troubles],
                kind=stored[count % troubles].kind,
                portal="legacy",
                page=f"/#{stored[count % troubles].route}/{count}",
                text=f"Report {count}: " + "it is not where it was. " * 8,
                created_at=NOON - timedelta(minutes=count),
            )
            for count in range(number)
        ),
        batch_size=5_000,
    )


def loads(tenant: Tenant, route: str, kept: int, redirected: int = 0, days_ago: int = 0) -> None:
    """Page loads counted so many days before today."""
    day = datetime.now(UTC).date() - timedelta(days_ago)
    Traffic.objects.add({(str(tenant.tid), day, route): (kept, redirected)})


def _word(number: int) -> str:
    return "".join(chr(97 + int(digit)) for digit in str(number)) + "-page"
