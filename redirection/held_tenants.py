"""The tenants a worker holds: those read once, packed, and on top those that changed since. Pure.

A picture is immutable. One with changes shares all the rest with the one before, so a change
costs the same whatever the number of tenants.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain

from redirection.decisions import Tenant
from redirection.packed_tenants import Kind, PackedTenants, kind_of

# Tenants kept as they are asked for, so that nobody unpacks those that are visited all the time.
MOST_REMEMBERED = 4096
# Changes on top, before all is better read again.
MOST_CHANGES = 10_000

Changes = dict[str, Tenant | None]


class HeldTenants:
    """The enabled tenants at one moment, by tenant id and by name."""

    __slots__ = ("_changed", "_kinds", "_packed", "_renamed", "by_name", "by_tid")

    def __init__(
        self,
        packed: PackedTenants,
        changed: Changes | None = None,
        renamed: Changes | None = None,
        before: HeldTenants | None = None,
    ) -> None:
        """``changed`` and ``renamed`` replace what is packed, by id and by name; None: is gone.

        What ``before`` remembers and is not replaced is remembered on.
        """
        self._packed = packed
        self._changed = changed or {}
        self._renamed = renamed or {}
        self._kinds: frozenset[Kind] | None = None
        self.by_tid: Lookup = Lookup(
            packed.of_tid, self._changed, before.by_tid if before else None
        )
        self.by_name: Lookup = Lookup(
            packed.of_name, self._renamed, before.by_name if before else None
        )

    @classmethod
    def of(cls, tenants: Iterable[Tenant]) -> HeldTenants:
        """A picture of these tenants, all enabled."""
        return NO_TENANTS.with_changes((tenant, True) for tenant in tenants)

    def with_changes(self, changes: Iterable[tuple[Tenant, bool]]) -> HeldTenants:
        """The picture after ``changes``: each tenant with whether it is enabled."""
        changes = list(changes)
        if not changes:
            return self
        changed, renamed = dict(self._changed), dict(self._renamed)
        # A name may go from one tenant to another.
        for tenant, _ in changes:
            if (before := self.by_tid.get(tenant.tid)) is not None:
                renamed[before.name] = None
            changed[tenant.tid] = None
        for tenant, is_enabled in changes:
            if is_enabled:
                changed[tenant.tid] = renamed[tenant.name] = tenant
        return HeldTenants(self._packed, changed, renamed, self)

    @property
    def is_worn(self) -> bool:
        """Whether so many have changed that all are better read again."""
        return len(self._changed) > MOST_CHANGES

    @property
    def kinds(self) -> frozenset[Kind]:
        """The kinds of tenants there are, and maybe some there are no longer."""
        if self._kinds is None:
            changed = filter(None, self._changed.values())
            self._kinds = frozenset(self._packed.kinds).union(map(kind_of, changed))
        return self._kinds

    def __iter__(self) -> Iterator[Tenant]:
        """All tenants, for whoever has the time: a request has not."""
        unchanged = (tenant for tenant in self._packed if tenant.tid not in self._changed)
        return chain(unchanged, filter(None, self._changed.values()))


class Lookup:
    """Tenants by one key, as of a mapping."""

    __slots__ = ("_changed", "_find", "_remembered")

    def __init__(
        self, find: Callable[[str], Tenant | None], changed: Changes, before: Lookup | None
    ) -> None:
        self._find = find
        self._changed = changed
        # Copied in one go, while others may remember more there.
        remembered = before._remembered.copy() if before is not None else {}  # noqa: SLF001
        self._remembered: Changes = remembered | changed

    def get(self, key: str) -> Tenant | None:
        """The tenant; None where there is none."""
        return self._remembered.get(key) or self._found(key)

    def __getitem__(self, key: str) -> Tenant:
        tenant = self.get(key)
        if tenant is None:
            raise KeyError(key)
        return tenant

    def __contains__(self, key: str) -> bool:
        return self.get(key) is not None

    def _found(self, key: str) -> Tenant | None:
        if key in self._changed:
            return None
        tenant = self._find(key)
        if tenant is not None:
            if len(self._remembered) > MOST_REMEMBERED + len(self._changed):
                self._remembered = dict(self._changed)
            self._remembered[key] = tenant
        return tenant


NO_TENANTS = HeldTenants(PackedTenants())
