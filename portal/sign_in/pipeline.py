"""What happens between a valid token and a signed-in person, one step a function.

The order is in steps.py. A step takes what the steps before it found and returns what it
adds; it raises ``SignInRefused`` to stop.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.hashers import make_password
from django.utils import timezone

from portal.models import Person
from portal.sign_in.identity import PERSONAL_TENANT, canonical_uuid
from portal.sign_in.refusals import Refusal, SignInRefused
from redirection.models import RoleSnapshot, Tenant

# Entra ID has about 130 built-in roles; a person with more is a mistake.
MOST_ROLES = 200


def check_tenant(backend: Any, response: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Adds the ``tenant`` of the token: known and enabled, provisioned by an operator before."""
    tid = response["tid"]
    if tid == PERSONAL_TENANT:
        raise SignInRefused(backend, Refusal.PERSONAL_ACCOUNT)
    tenant = Tenant.objects.filter(tid=tid).first()
    if tenant is None:
        raise SignInRefused(backend, Refusal.UNKNOWN_TENANT)
    if not tenant.enabled:
        raise SignInRefused(backend, Refusal.DISABLED_TENANT)
    return {"tenant": tenant}


def refuse_second_identity(backend: Any, uid: str, user: Any = None, **_: Any) -> None:
    """Stops where somebody else is signed in, or was asked for; the library would link the two."""
    expected = {user.username} if user is not None else set()
    if backend.role_check is not None:
        expected.add(backend.role_check.person)
    if expected - {uid}:
        raise SignInRefused(backend, Refusal.SECOND_IDENTITY)


def create_person(
    backend: Any, uid: str, details: dict[str, str], user: Any = None, **_: Any
) -> dict[str, Any]:
    """Adds the ``user`` whose user name is ``uid``; name and address are renewed for display."""
    shown = {
        "display_name": details.get("fullname", "")[:150],
        "email": details.get("email", "")[:254],
    }
    person, is_new = Person.objects.get_or_create(
        username=uid, defaults={"password": make_password(None), **shown}
    )
    if user is not None and user != person:
        raise SignInRefused(backend, Refusal.SECOND_IDENTITY)
    if not person.is_active:
        raise SignInRefused(backend, Refusal.DISABLED_PERSON)
    if any(getattr(person, name) != value for name, value in shown.items()):
        for name, value in shown.items():
            setattr(person, name, value)
        person.save(update_fields=list(shown))
    return {"user": person, "is_new": is_new}


def sync_roles(tenant: Tenant, user: Person, response: dict[str, Any], **_: Any) -> None:
    """Replaces what is known about the person's directory roles in this tenant."""
    RoleSnapshot.objects.update_or_create(
        person=user,
        tenant=tenant,
        defaults={
            "directory_roles": directory_roles(response.get("wids")),
            "taken_at": timezone.now(),
        },
    )


def directory_roles(wids: object) -> list[str]:
    """The role template ids in a ``wids`` claim; none where it is missing or malformed."""
    if not isinstance(wids, list):
        return []
    roles = [canonical_uuid(wid) for wid in wids[:MOST_ROLES]]
    return sorted({role for role in roles if role is not None})
