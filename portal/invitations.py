"""Adding somebody before their first sign-in, so that a role can wait for them."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.hashers import make_password

from portal.models import Person
from redirection.models import Tenant


def invite(home: Tenant, object_id: UUID, name: str) -> Person:
    """The person with this object id in the directory of ``home``, added if unknown.

    The user name is the ``tid:oid`` that the sign-in looks for; ``name`` is shown until then.
    """
    person, _ = Person.objects.get_or_create(
        username=f"{home.tid}:{object_id}",
        defaults={"password": make_password(None), "display_name": name},
    )
    return person
