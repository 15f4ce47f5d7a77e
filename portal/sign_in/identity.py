"""Who somebody is: ``tid:oid``, both immutable (facts on sign-in)."""

from __future__ import annotations

from uuid import UUID

from portal.models import Person
from redirection.models import Tenant

# The tenant of all personal Microsoft accounts.
PERSONAL_TENANT = "9188040d-6c67-4c5b-b112-36a304b66dad"


def canonical_uuid(value: object) -> str | None:
    """``value`` in lower case if it is a UUID in its usual form, else None."""
    if not isinstance(value, str):
        return None
    try:
        canonical = str(UUID(value))
    except ValueError:
        return None
    return canonical if canonical == value.lower() else None


def tenant_of(person: Person) -> Tenant | None:
    """The enabled tenant this person belongs to (1 query); None for operators."""
    tid = canonical_uuid(person.username.partition(":")[0])
    if tid is None:
        return None
    return Tenant.objects.filter(tid=tid, enabled=True).first()
