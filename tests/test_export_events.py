"""Changes and refusals as JSON lines: every one once, in one schema, from any point on."""

from __future__ import annotations

import io
import json
import tracemalloc
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from portal.models import Person
from redirection.event_lines import Cursor, lines
from redirection.models import (
    Change,
    DeepLinkRuleChange,
    LocalRole,
    Refusal,
    Tenant,
)
from tests.conftest import Switch

LONG_AGO = timezone.now() - timedelta(hours=1)


def export(*words: str) -> list[dict[str, Any]]:
    out = io.StringIO()
    call_command("export_events", *words, stdout=out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


@pytest.fixture
def happened(contoso: Tenant, ada: Person, otto: Person) -> None:
    """One event of each kind, long enough ago."""
    contoso.switch_redirection(
        "on", reason_kind="trial", reason="Pilot\u2028is done", channel="page", author=ada
    )
    LocalRole.objects.give_local_role(
        contoso, otto, "security_reader", reason="Team lead", channel="command", operator="Olga"
    )
    DeepLinkRuleChange.objects.create(
        revision=1000, added=1, changed=0, removed=0, reason="New pages", channel="command",
        author_name="Olga",
    )  # fmt: skip
    Refusal.objects.create(
        person=otto, who=otto.username, tenant=contoso, what="role", method="POST", path="/x",
        address="192.0.2.1", reference="abcd", times=3, at=LONG_AGO,
    )  # fmt: skip


def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """So much later that every event is settled."""
    now = timezone.now() + timedelta(minutes=5)
    monkeypatch.setattr("redirection.management.commands.export_events.timezone.now", lambda: now)


def test_every_kind_comes_in_one_schema(happened: None, monkeypatch: pytest.MonkeyPatch) -> None:
    later(monkeypatch)
    found = export()
    assert {line["type"] for line in found} == {
        "change", "local_role_change", "deep_link_rule_change", "refusal",
    }  # fmt: skip
    fields = {
        "id", "time", "type", "tenant", "actor", "action", "outcome", "reason", "channel",
        "source_address", "details", "cursor",
    }  # fmt: skip
    assert all(set(line) == fields for line in found)
    assert all(datetime.fromisoformat(line["time"]).tzinfo == UTC for line in found)
    assert len({line["id"] for line in found}) == len(found)


def test_a_change_says_who_what_and_why(
    happened: None, ada: Person, contoso: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    later(monkeypatch)
    change = next(line for line in export() if line["action"] == "setting.changed")
    assert change["actor"] == {"name": "Ada", "id": ada.object_id}
    assert change["tenant"] == {"id": str(contoso.tid), "name": "contoso"}
    assert change["outcome"] == "done"
    assert change["reason"] == "Pilot is done"
    assert (change["details"]["before"], change["details"]["after"]) == ("not_set", "on")


def test_a_refusal_says_from_where_and_how_often(
    happened: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    later(monkeypatch)
    refusal = next(line for line in export() if line["type"] == "refusal")
    assert (refusal["outcome"], refusal["source_address"]) == ("refused", "192.0.2.1")
    assert refusal["details"] == {"tenant_asked": "", "reference": "abcd", "times": 3}


def test_each_cursor_goes_on_behind_its_line(
    happened: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    later(monkeypatch)
    everything = export()
    for number, line in enumerate(everything, 1):
        assert export("--since", line["cursor"]) == everything[number:]


def test_since_a_revision_come_the_changes_after_it(
    happened: None, contoso: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    later(monkeypatch)
    contoso.refresh_from_db()
    revisions = [
        line["details"]["revision"]
        for line in export("--since", str(contoso.revision - 1))
        if line["type"] == "change"
    ]
    assert revisions == [contoso.revision]


def test_since_a_time_come_the_events_from_then_on(
    happened: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    later(monkeypatch)
    after_the_refusal = (LONG_AGO + timedelta(seconds=1)).isoformat()
    assert "refusal" not in {line["type"] for line in export("--since", after_the_refusal)}
    assert export("--since", "2100-01-01T00:00Z") == []


@pytest.mark.parametrize(
    "since", ["yesterday", "2026-01-31T14:00", "-1", "1.2.3", "9" * 40, "2026-99-99T00:00Z", "\x00"]
)
def test_a_wrong_start_is_one_line_and_exit_code_2(since: str, db: None) -> None:
    with pytest.raises(CommandError, match="--since") as refused:
        export("--since", since)
    assert refused.value.returncode == 2
    assert "\n" not in str(refused.value)


def test_a_refusal_waits_until_its_count_is_final(contoso: Tenant) -> None:
    for age in (100, 10):
        at = timezone.now() - timedelta(seconds=age)
        Refusal.objects.create(what="role", method="GET", path="/", at=at)
    # Written later than its neighbour, but it happened before: the cursor must not pass the other.
    Refusal.objects.create(what="role", method="GET", path="/", at=LONG_AGO)
    told = [line for line, _ in lines(Cursor(), timezone.now()) if '"refusal"' in line]
    assert len(told) == 1


def test_many_are_read_piece_by_piece(contoso: Tenant) -> None:
    Refusal.objects.bulk_create(
        (
            Refusal(what="role", method="GET", path="/" + "x" * 190, at=LONG_AGO)
            for _ in range(5000)
        ),
        batch_size=500,
    )
    tracemalloc.start()
    told = sum(1 for line, _ in lines(Cursor(), timezone.now()) if '"refusal"' in line)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert told == 5000
    assert peak < 5_000_000


def test_the_history_that_stays_after_an_erasure_is_told_without_names(
    happened: None, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    call_command("erase_person", ada.username, "--reason", "Asked", stdout=io.StringIO())
    later(monkeypatch)
    change = next(line for line in export() if line["action"] == "setting.changed")
    assert change["actor"]["name"].startswith("erased-")
    assert ada.object_id not in json.dumps(export())


def test_nothing_but_the_history_is_asked_twice(switch: Switch, contoso: Tenant) -> None:
    switch(contoso, "on")
    cursor = Cursor()
    for _ in range(2):
        told = list(lines(cursor, timezone.now()))
        cursor = told[-1][1] if told else cursor
    assert told == []
    assert cursor.numbers[0] == Change.objects.order_by("-pk")[0].pk
