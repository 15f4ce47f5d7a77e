"""Very many tenants, packed: some seventy bytes each, found by tenant id or by name. Pure.

Pages of plain bytes hold the tenants in the order they came; two tables of numbers say where one
lies, by the hash of its id and by that of its name. Nothing here is an object of its own for
each tenant, so neither memory nor the garbage collector feels their number.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from redirection.decisions import Tenant

# A page: so many records, then as many names, a line each.
_PAGE = 32
# A record: tenant id; since, revision and step_back_since; the number of its kind. The highest
# byte comes first.
_TID = 16
_MOMENT = 6
_MOMENTS = _TID + 3 * _MOMENT
RECORD = _MOMENTS + 2


class Kind(NamedTuple):
    """What many tenants have in common: cloud, whether it is on, whether people may step back."""

    cloud: str
    on: bool
    steps_back: bool


def kind_of(tenant: Tenant) -> Kind:
    """The kind of a tenant."""
    return Kind(tenant.cloud, tenant.on, tenant.step_back_since is not None)


class PackedTenants:
    """Tenants that can be asked for; ``add`` only until somebody asks."""

    __slots__ = (
        "_by_name", "_by_tid", "_last", "_most", "_names", "_pages", "_records", "kinds", "size",
    )  # fmt: skip

    def __init__(self, most: int = 0, kinds: Iterable[Kind] = ()) -> None:
        """Room for ``most`` tenants, of these ``kinds`` and of others that come with ``add``."""
        # A quarter stays empty at least, so that a search ends soon.
        places = 1 << (most * 4 // 3).bit_length()
        self._last = places - 1
        self._most = places * 3 // 4
        # Where a tenant lies, counted from 1.
        self._by_tid = array("I", bytes(4 * places))
        self._by_name = array("I", bytes(4 * places))
        self._pages: list[bytes] = []
        # The newest, not yet enough for a page.
        self._records = b""
        self._names: list[str] = []
        self.kinds = list(kinds)
        self.size = 0

    def add(self, tenant: Tenant) -> None:
        """Add a tenant. Raises ValueError for an id that is no UUID."""
        kind = kind_of(tenant)
        if kind not in self.kinds:
            self.kinds.append(kind)
        moments = (tenant.since, tenant.revision, tenant.step_back_since or 0)
        record = bytes.fromhex(tenant.tid.replace("-", ""))
        record += b"".join(moment.to_bytes(_MOMENT) for moment in moments)
        self.add_all(record + self.kinds.index(kind).to_bytes(2), [tenant.name])

    def add_all(self, records: bytes, names: Sequence[str]) -> None:
        """Add tenants with the records in ``records``, in the order of their names.

        A record is the id (16 bytes), since, revision and step_back_since (6 bytes each, 0 for
        None) and the number of the kind among ``kinds`` (2 bytes), the highest byte first. Raises
        ValueError if there are not as many as names, or if there is no room left.
        """
        if len(records) != RECORD * len(names) or self.size + len(names) > self._most:
            raise ValueError(f"{len(records)} bytes for {len(names)} names beside {self.size}")
        by_tid, by_name, last, number = self._by_tid, self._by_name, self._last, self.size
        for start, name in zip(range(0, len(records), RECORD), names, strict=True):
            number += 1
            at = hash(records[start : start + _TID]) & last
            while by_tid[at]:
                at = at + 1 & last
            by_tid[at] = number
            at = hash(name) & last
            while by_name[at]:
                at = at + 1 & last
            by_name[at] = number
        self.size = number
        self._records += records
        self._names += names
        self._fill_pages()

    def of_tid(self, tid: str) -> Tenant | None:
        """The tenant with this id, as lower-case UUID text."""
        try:
            key = bytes.fromhex(tid.replace("-", ""))
        except ValueError:
            return None
        for number in self._at(self._by_tid, hash(key)):
            if self._record(number)[:_TID] == key:
                tenant = self._tenant(number)
                # The same id may be written in other ways.
                return tenant if tenant.tid == tid else None
        return None

    def of_name(self, name: str) -> Tenant | None:
        """The tenant with this name."""
        for number in self._at(self._by_name, hash(name)):
            if self._name(number) == name:
                return self._tenant(number)
        return None

    def __iter__(self) -> Iterator[Tenant]:
        return map(self._tenant, range(self.size))

    def _fill_pages(self) -> None:
        records, names = self._records, self._names
        full = len(names) - len(names) % _PAGE
        for at in range(0, full, _PAGE):
            lines = "\n".join(names[at : at + _PAGE]).encode()
            self._pages.append(records[at * RECORD : (at + _PAGE) * RECORD] + lines)
        self._records, self._names = records[full * RECORD :], names[full:]

    def _at(self, table: array[int], place: int) -> Iterable[int]:
        """The tenants, counted from 0, that may be the one with the hash ``place``."""
        place &= self._last
        while number := table[place]:
            yield number - 1
            place = place + 1 & self._last

    def _record(self, number: int) -> bytes:
        page, at = divmod(number, _PAGE)
        records = self._pages[page] if page < len(self._pages) else self._records
        return records[at * RECORD : (at + 1) * RECORD]

    def _name(self, number: int) -> str:
        page, at = divmod(number, _PAGE)
        if page >= len(self._pages):
            return self._names[at]
        return self._pages[page][_PAGE * RECORD :].split(b"\n", at + 1)[at].decode()

    def _tenant(self, number: int) -> Tenant:
        record = self._record(number)
        text = record[:_TID].hex()
        kind = self.kinds[int.from_bytes(record[_MOMENTS:])]
        since, revision, step_back_since = (
            int.from_bytes(record[at : at + _MOMENT]) for at in range(_TID, _MOMENTS, _MOMENT)
        )
        return Tenant(
            tid=f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}",
            name=self._name(number),
            cloud=kind.cloud,
            on=kind.on,
            since=since,
            revision=revision,
            step_back_since=step_back_since if kind.steps_back else None,
        )
