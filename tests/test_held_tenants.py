"""Tenants held in memory are the same, packed or not, and no picture changes under its reader."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given, strategies as st

from redirection import decisions, held_reading, held_tenants, switches, tenant_columns
from redirection.held_tenants import NO_TENANTS, HeldTenants
from redirection.models import Revision, Tenant
from redirection.packed_tenants import RECORD, Kind, PackedTenants
from tests.conftest import Switch

MANY = 70


def a_tenant(number: int, **other: object) -> decisions.Tenant:
    tenant = decisions.Tenant(
        tid=str(UUID(int=number)),
        name=f"tenant-{number}",
        cloud="gcc" if number % 3 else "commercial",
        on=number % 2 == 0,
        since=1_700_000_000_000 + number,
        revision=number,
        step_back_since=1_700_000_000_000 if number % 5 == 0 else None,
    )
    return replace(tenant, **other)  # type: ignore[arg-type]


def packed(count: int) -> PackedTenants:
    tenants = PackedTenants(count)
    for number in range(count):
        tenants.add(a_tenant(number))
    return tenants


@pytest.fixture
def all_packed(monkeypatch: pytest.MonkeyPatch) -> None:
    """However few there are."""
    monkeypatch.setattr(tenant_columns, "PACK_FROM", 0)
    monkeypatch.setattr(tenant_columns, "_ROWS", 3)


@pytest.mark.parametrize("count", [1, 31, 32, 33, MANY])
def test_every_packed_tenant_is_found_by_both_keys_as_it_was(count: int) -> None:
    tenants = packed(count)
    for number in range(count):
        tenant = a_tenant(number)
        assert tenants.of_tid(tenant.tid) == tenants.of_name(tenant.name) == tenant
    assert list(tenants) == [a_tenant(number) for number in range(count)]


@pytest.mark.parametrize(
    "tid",
    [
        "",
        "contoso",
        "11111111-1111",
        str(UUID(int=MANY)),
        # Other ways to write an id that is there.
        UUID(int=1).hex,
        f" {UUID(int=1)}",
        f"-{UUID(int=1)}",
        f"{{{UUID(int=1)}}}",
        str(UUID(int=10)).upper().replace("A", "A"),
    ],
)
def test_what_is_no_id_of_a_tenant_finds_none(tid: str) -> None:
    tenants = packed(9)
    assert tenants.of_tid(tid) is None
    assert tenants.of_name(tid) is None
    assert NO_TENANTS.by_tid.get(tid) is None


def test_more_than_there_is_room_for_or_half_a_record_is_refused() -> None:
    tenants = PackedTenants(1, [Kind("commercial", True, False)])
    with pytest.raises(ValueError, match="35 bytes for 1 names"):
        tenants.add_all(bytes(RECORD - 1), ["contoso"])
    with pytest.raises(ValueError, match="beside 0"):
        tenants.add_all(bytes(RECORD * 10), ["contoso"] * 10)
    assert tenants.size == 0


NUMBERS = st.integers(0, 11)
CHANGES = st.lists(
    st.lists(
        st.tuples(NUMBERS, NUMBERS, st.booleans()), max_size=4, unique_by=lambda change: change[0]
    ),
    max_size=6,
)


@given(CHANGES)
def test_changes_upon_packed_tenants_are_those_upon_a_dictionary(
    rounds: list[list[tuple[int, int, bool]]],
) -> None:
    pictures = [(HeldTenants(packed(8)), {t.tid: t for t in packed(8)})]
    for changes in rounds:
        tenants, expected = pictures[-1][0], dict(pictures[-1][1])
        told = []
        for number, name, is_enabled in changes:
            tenant = a_tenant(number, name=f"tenant-{name}", revision=99)
            expected.pop(tenant.tid, None)
            # No two tenants have one name.
            if is_enabled and tenant.name not in {other.name for other in expected.values()}:
                told.append((tenant, True))
                expected[tenant.tid] = tenant
            else:
                told.append((tenant, False))
        pictures.append((tenants.with_changes(told), expected))
    # The older ones too: nothing has changed under whoever still looks into them.
    for tenants, expected in pictures:
        by_name = {tenant.name: tenant for tenant in expected.values()}
        for number in range(12):
            tenant = a_tenant(number)
            assert tenants.by_tid.get(tenant.tid) == expected.get(tenant.tid)
            assert tenants.by_name.get(tenant.name) == by_name.get(tenant.name)
        assert {tenant.tid: tenant for tenant in tenants} == expected


def test_what_was_asked_for_is_remembered_and_never_too_much(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(held_tenants, "MOST_REMEMBERED", 8)
    tenants = HeldTenants(packed(MANY))
    first = tenants.by_tid[a_tenant(1).tid]
    assert tenants.by_tid[first.tid] is first
    after = tenants.with_changes([(a_tenant(2, on=False), True)])
    assert after.by_tid[first.tid] is first
    for number in range(MANY):
        assert after.by_tid[a_tenant(number).tid].revision == number
        assert len(after.by_tid._remembered) <= 8 + 2
    assert not after.by_tid[a_tenant(2).tid].on
    with pytest.raises(KeyError):
        after.by_name["nobody"]


def test_a_store_read_together_is_what_its_rows_say(
    contoso: Tenant, fabrikam: Tenant, switch: Switch, all_packed: None
) -> None:
    in_march = datetime(2026, 3, 1, 12, tzinfo=UTC)
    for number, (stage, setting) in enumerate(
        (stage, setting) for stage in decisions.Stage for setting in decisions.Setting
    ):
        Tenant.objects.create(
            tid=UUID(int=number),
            name=f"tenant-{number}",
            title="A tenant",
            cloud=["commercial", "gcc-high", "of another time"][number % 3],
            stage=stage.value,
            setting=setting.value,
            since=in_march + timedelta(microseconds=1999 * number),
            revision=number,
            allow_step_back=number % 2 == 0,
            step_back_since=None if number % 4 else in_march + timedelta(microseconds=number),
            enabled=number != 7,
        )
    rows = Tenant.objects.all()
    tenants = tenant_columns.read_tenants()
    for row in rows:
        expected = row.as_held() if row.enabled else None
        if expected is not None and expected.cloud == "of another time":
            # Without a destination, whatever it is called.
            expected = replace(expected, cloud="")
        assert tenants.by_tid.get(str(row.tid)) == tenants.by_name.get(row.name) == expected


def test_tenants_after_very_many_that_are_not_enabled_are_read(
    contoso: Tenant, fabrikam: Tenant, all_packed: None
) -> None:
    for number in range(7):
        Tenant.objects.create(
            tid=UUID(int=number), name=f"tenant-{number}", title="A tenant", enabled=number == 6
        )
    last = Tenant.objects.get(name="tenant-6")
    assert list(tenant_columns.read_tenants()) == [
        contoso.as_held(),
        fabrikam.as_held(),
        last.as_held(),
    ]


def test_a_store_of_another_kind_is_read_row_by_row(
    contoso: Tenant, fabrikam: Tenant, all_packed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tenant_columns, "_TOGETHER", {})
    assert set(tenant_columns.read_tenants()) == {contoso.as_held(), fabrikam.as_held()}


def test_a_change_of_one_among_packed_tenants_is_read_by_itself(
    contoso: Tenant, fabrikam: Tenant, switch: Switch, all_packed: None
) -> None:
    switches.forget()
    switches.refresh()
    before = switches.held()
    switch(contoso, "on")
    after = switches.held()
    assert (before.by_name["contoso"].on, after.by_name["contoso"].on) == (False, True)
    assert after.by_name["fabrikam"] == before.by_name["fabrikam"]


def test_when_very_many_have_changed_all_are_read_again_beside_the_changes(
    contoso: Tenant, fabrikam: Tenant, switch: Switch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(held_tenants, "MOST_CHANGES", 0)
    # A test's transaction is seen in its own thread alone.
    begun: list[int] = []
    monkeypatch.setattr(held_reading.Repacking, "begin", lambda _, revision: begun.append(revision))
    switch(contoso, "on")
    assert begun == [contoso.revision]

    held_reading._repacking.result = begun[0], tenant_columns.read_tenants()
    switch(contoso, "off")
    assert not switches.held().by_name["contoso"].on
    # Taken, with what has changed since, and what comes next is added to it.
    assert held_reading._repacking.result is None
    switch(contoso, "on")
    assert switches.held().by_name["contoso"].on
    assert switches.held().revision == contoso.revision == Revision.latest()


def test_tenants_read_again_are_taken_without_a_change(contoso: Tenant, switch: Switch) -> None:
    switch(contoso, "on")
    steps = switches.held().steps
    fresh = tenant_columns.read_tenants()
    held_reading._repacking.result = switches.held().revision, fresh
    switches.refresh()
    assert (switches.held().revision, switches.held().steps) == (contoso.revision, steps)
    assert switches.held().tenants is fresh


def test_reading_again_happens_in_a_thread_of_its_own_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    readers: list[str] = []

    def read() -> HeldTenants:
        readers.append(threading.current_thread().name)
        return NO_TENANTS

    monkeypatch.setattr(tenant_columns, "read_tenants", read)
    repacking = held_reading.Repacking()
    for _ in range(3):
        repacking.begin(7)
        assert repacking._thread is not None
        repacking._thread.join()
    assert readers == ["repacking"]
    assert repacking.result == (7, NO_TENANTS)


def test_tenants_that_cannot_be_read_again_stay_as_they_are(
    contoso: Tenant, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> HeldTenants:
        raise ValueError("half a record")

    monkeypatch.setattr(tenant_columns, "read_tenants", fail)
    repacking = held_reading.Repacking()
    repacking.begin(7)
    assert repacking._thread is not None
    repacking._thread.join()
    assert repacking.result is None
    assert "Tenants could not be read again" in caplog.text
