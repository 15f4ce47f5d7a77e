"""What one person holds in one tenant, and what it gives, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from redirection.models import LocalRole, RoleSnapshot, Tenant
from redirection.role_names import (
    ACCESS_NAMES,
    directory_role_names,
    local_role_gives,
    local_role_name,
)
from redirection.roles import SHUT_OUT_OF_DESTINATION, access, is_shut_out


@dataclass(frozen=True)
class Standing:
    """One person with a local role ("" for none) and directory roles (None: not known yet)."""

    person: Any
    role: str
    directory_roles: tuple[str, ...] | None = None
    taken_at: datetime | None = None

    @property
    def object_id(self) -> str:
        return object_id_of(self.person)

    @property
    def role_name(self) -> str:
        return local_role_name(self.role)

    @property
    def role_gives(self) -> str:
        return local_role_gives(self.role)

    @property
    def directory_names(self) -> list[str]:
        return directory_role_names(self.directory_roles or ())

    @property
    def is_shut_out(self) -> bool:
        """Whether these roles have no place in the destination yet."""
        return is_shut_out(self.directory_roles or (), self.role or None)

    @property
    def access_name(self) -> str:
        return self.access_name_with(self.role)

    def access_name_with(self, role: str) -> str:
        """What both kinds of roles give together, if the local role were this."""
        return str(ACCESS_NAMES[access(self.directory_roles or (), role or None)])


def object_id_of(person: Any) -> str:
    """The person's id in the directory, else the user name: ``object_id`` is the site's to give."""
    return str(getattr(person, "object_id", person.get_username()))


def standings(tenant: Tenant) -> list[Standing]:
    """Everybody with a local role in the tenant, by name (2 queries)."""
    held = list(LocalRole.objects.filter(tenant=tenant).select_related("person"))
    snapshots = _snapshots(tenant, [row.person_id for row in held])
    found = [_standing(row.person, row.role, snapshots.get(row.person_id)) for row in held]
    return sorted(found, key=lambda one: (str(one.person).casefold(), one.object_id))


@dataclass(frozen=True)
class ShutOut:
    """Those whose local role cannot use the destination: how many, by the role's name."""

    by_role: tuple[tuple[str, int], ...]

    @property
    def people(self) -> int:
        return sum(number for _, number in self.by_role)


def shut_out(tenant: Tenant) -> ShutOut:
    """Everybody of the tenant who could not use the destination (2 queries)."""
    held = dict(
        LocalRole.objects.filter(tenant=tenant, role__in=SHUT_OUT_OF_DESTINATION).values_list(
            "person_id", "role"
        )
    )
    snapshots = _snapshots(tenant, held)
    found = Counter(
        local_role_name(role)
        for person, role in held.items()
        if is_shut_out(snapshots[person].directory_roles if person in snapshots else (), role)
    )
    return ShutOut(tuple(sorted(found.items())))


def standing_of(tenant: Tenant, person: Any) -> Standing:
    """What this person holds in the tenant (2 queries)."""
    held = LocalRole.objects.filter(tenant=tenant, person=person).first()
    snapshot = _snapshots(tenant, [person.pk]).get(person.pk)
    return _standing(person, held.role if held else "", snapshot)


def _snapshots(tenant: Tenant, people: Iterable[int]) -> dict[int, RoleSnapshot]:
    found = RoleSnapshot.objects.filter(tenant=tenant, person__in=people)
    return {snapshot.person_id: snapshot for snapshot in found}


def _standing(person: Any, role: str, snapshot: RoleSnapshot | None) -> Standing:
    if snapshot is None:
        return Standing(person, role)
    return Standing(person, role, tuple(snapshot.directory_roles), snapshot.taken_at)
