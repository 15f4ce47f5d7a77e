"""What a worker holds in memory: refreshed from the store, and honest about its age."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.db import InterfaceError, OperationalError, connection
from django.test import Client

from redirection import switches
from redirection.models import Revision, Tenant
from tests.conftest import Switch


def held_is_on(tenant: Tenant) -> bool:
    return switches.held().by_tid[str(tenant.tid)].on


def snapshot(tenant: Tenant) -> dict[str, Any]:
    """What a backup of the store would hold."""
    tenant.refresh_from_db()
    return {
        "tenant": {field: getattr(tenant, field) for field in ("setting", "since", "revision")},
        "counter": Revision.objects.values("number", "token", "trail").get(),
    }


def restore(tenant: Tenant, backup: dict[str, Any]) -> None:
    Tenant.objects.filter(pk=tenant.pk).update(**backup["tenant"])
    Revision.objects.update(**backup["counter"])
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM redirection_change WHERE revision > %s", [backup["counter"]["number"]]
        )


def test_a_change_is_read_by_itself(contoso: Tenant, fabrikam: Tenant, switch: Switch) -> None:
    before = switches.held().by_tid[str(fabrikam.tid)]
    switch(contoso, "on")
    assert held_is_on(contoso)
    # What did not change was not read again.
    assert switches.held().by_tid[str(fabrikam.tid)] is before


def test_an_older_store_is_read_again(contoso: Tenant, switch: Switch) -> None:
    backup = snapshot(contoso)
    switch(contoso, "on")
    restore(contoso, backup)
    switches.refresh()
    assert not held_is_on(contoso)


def test_a_restored_store_that_has_reached_the_same_revision_is_read_again(
    contoso: Tenant, fabrikam: Tenant, switch: Switch
) -> None:
    backup = snapshot(contoso)
    switch(contoso, "on")
    restore(contoso, backup)
    fabrikam.switch_redirection(
        "on", reason_kind="trial", reason="x", channel="command", operator="a test"
    )
    assert Revision.latest() == switches.held().revision
    switches.refresh()
    assert held_is_on(fabrikam)
    assert not held_is_on(contoso)


def test_a_restored_store_that_has_gone_further_is_read_again(
    contoso: Tenant, fabrikam: Tenant, switch: Switch
) -> None:
    backup = snapshot(contoso)
    switch(contoso, "on")
    restore(contoso, backup)
    for wanted in ("on", "off", "on"):
        fabrikam.switch_redirection(
            wanted, reason_kind="trial", reason="x", channel="command", operator="a test"
        )
    assert Revision.latest() > switches.held().revision
    switches.refresh()
    assert not held_is_on(contoso)


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_a_store_that_fails_leaves_the_last_known_state_marked_stale(
    error: type[Exception], contoso: Tenant, switch: Switch, monkeypatch: pytest.MonkeyPatch
) -> None:
    switch(contoso, "on")

    def fail() -> None:
        raise error("the store is gone")

    with monkeypatch.context() as broken:
        broken.setattr(Revision, "newest", fail)
        switches.refresh()
        assert held_is_on(contoso)
        assert switches.is_stale()
    switches.refresh()
    assert not switches.is_stale()


def test_a_store_that_hangs_is_noticed_by_the_time_alone(
    contoso: Tenant, legacy: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(switches, "_thread", object())
    switches.refresh()
    assert "stale" not in legacy.get("/")["Redirection-Decision"]
    later = time.monotonic() + 10
    monkeypatch.setattr("redirection.switches.time.monotonic", lambda: later)
    assert legacy.get("/")["Redirection-Decision"].endswith(";stale")
