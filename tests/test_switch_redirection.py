"""Switching a tenant: one change, one history row, one revision, whichever way it came."""

from __future__ import annotations

from typing import Any

import pytest
import time_machine
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils import timezone

from portal.models import Person
from redirection import switches
from redirection.models import Change, ChangedMeanwhile, Revision, Tenant
from redirection.models.append_only import HistoryIsAppendOnly
from tests.conftest import MakePerson


def switch(tenant: Tenant, wanted: str, **changed: Any) -> Change | None:
    """Switch as an operator would, unless said otherwise."""
    words = {
        "reason_kind": "ready",
        "reason": "Pilot is done",
        "channel": "command",
        "operator": "a test",
    }
    return tenant.switch_redirection(wanted, **{**words, **changed})


def test_a_change_has_author_time_reason_and_revision(contoso: Tenant, ada: Person) -> None:
    with time_machine.travel("2026-01-05T08:00:00Z", tick=False):
        change = switch(contoso, "on", author=ada, channel="page")
        now = timezone.now()
    assert change is not None
    assert (change.author, change.author_name, change.at) == (ada, "Ada", now)
    assert (change.before, change.after, change.channel) == ("not_set", "on", "page")
    assert change.reason == "Pilot is done"
    assert change.revision == contoso.revision == Revision.latest()
    stored = Tenant.objects.get(pk=contoso.pk)
    assert (stored.setting, stored.is_on, stored.since) == ("on", True, now)


def test_the_state_that_is_already_there_changes_nothing(contoso: Tenant) -> None:
    switch(contoso, "on")
    before = Revision.latest()
    assert switch(contoso, "on", reason="Again", seen_revision=0) is None
    assert Revision.latest() == before
    assert contoso.changes.filter(what="setting").count() == 1


@pytest.mark.parametrize("wanted", ["", "ON", "toggle", "not_set", "1", "off "])
def test_an_unknown_state_is_an_error_that_changes_nothing(wanted: str, contoso: Tenant) -> None:
    with pytest.raises(ValidationError, match="Choose on or off"):
        switch(contoso, wanted)
    assert Tenant.objects.get(pk=contoso.pk).setting == "not_set"


@pytest.mark.parametrize("reason", ["", "   ", "\n\t", "\x00", "\u200b", "\u200d\u202e"])
def test_without_a_reason_nothing_changes(reason: str, contoso: Tenant) -> None:
    before = Revision.latest()
    with pytest.raises(ValidationError, match="Say why"):
        switch(contoso, "on", reason=reason)
    assert Revision.latest() == before
    assert not Tenant.objects.get(pk=contoso.pk).is_on


def test_a_reason_too_long_for_the_history_is_refused(contoso: Tenant) -> None:
    with pytest.raises(ValidationError, match="at most 500"):
        switch(contoso, "on", reason="x" * 501)
    change = switch(contoso, "on", reason="x" * 500)
    assert change is not None


def test_a_reason_cannot_forge_a_line_of_the_history(contoso: Tenant) -> None:
    change = switch(contoso, "on", reason="Done\r\n2026-01-05 INFO \u202eforged\u2028line")
    assert change is not None
    assert change.reason == "Done 2026-01-05 INFO forged line"


def test_whoever_may_not_switch_does_not(
    contoso: Tenant, fabrikam: Tenant, person: MakePerson, rita: Person, otto: Person
) -> None:
    stranger = person(fabrikam, "Fay", roles=["62e90394-69f5-4237-9190-012177145e10"])
    for somebody in (rita, otto, stranger):
        with pytest.raises(PermissionDenied):
            switch(contoso, "on", author=somebody)
    assert not Tenant.objects.get(pk=contoso.pk).is_on


def test_two_admins_at_once_the_second_sees_what_the_first_did(
    contoso: Tenant, ada: Person
) -> None:
    seen = contoso.revision
    second = Tenant.objects.get(pk=contoso.pk)
    switch(contoso, "on", author=ada)
    switch(contoso, "off", author=ada, reason="Reports are missing")
    with pytest.raises(ChangedMeanwhile) as caught:
        switch(second, "on", author=ada, seen_revision=seen)
    assert caught.value.change.reason == "Reports are missing"
    assert not Tenant.objects.get(pk=contoso.pk).is_on


def test_two_admins_who_want_the_same_do_not_collide(contoso: Tenant, ada: Person) -> None:
    seen = contoso.revision
    second = Tenant.objects.get(pk=contoso.pk)
    switch(contoso, "on", author=ada)
    assert switch(second, "on", author=ada, seen_revision=seen) is None


def test_at_the_last_stage_nobody_switches(contoso: Tenant, ada: Person) -> None:
    contoso.change_stage(
        "forced", reason_kind="planned", reason="June", channel="command", operator="a test"
    )
    assert contoso.is_on
    with pytest.raises(ValidationError, match="can no longer be switched"):
        switch(contoso, "off", author=ada)
    assert Tenant.objects.get(pk=contoso.pk).is_on
    assert switch(contoso, "on", author=ada) is None


def test_at_the_last_stage_a_choice_of_off_is_no_answer(contoso: Tenant) -> None:
    switch(contoso, "off")
    contoso.change_stage(
        "forced", reason_kind="planned", reason="June", channel="command", operator="a test"
    )
    with pytest.raises(ValidationError, match="can no longer be switched"):
        switch(contoso, "off")


def test_a_stage_moves_only_those_without_a_choice_of_their_own(contoso: Tenant) -> None:
    words = {
        "reason_kind": "planned",
        "reason": "July",
        "channel": "command",
        "operator": "a test",
    }
    contoso.change_stage("opt_out", **words)
    assert contoso.is_on
    switch(contoso, "off")
    assert not contoso.is_on
    contoso.change_stage("opt_in", **words)
    assert not contoso.is_on
    assert contoso.change_stage("opt_in", **words) is None
    with pytest.raises(ValidationError, match="opt_in, opt_out or forced"):
        contoso.change_stage("someday", **words)


def test_the_moment_of_the_switch_is_when_the_effective_mode_changed(contoso: Tenant) -> None:
    with time_machine.travel("2026-01-05T08:00:00Z", tick=False):
        contoso.change_stage(
            "opt_out", reason_kind="planned", reason="July", channel="command", operator="a test"
        )
        moment = timezone.now()
    # It was on by default; choosing so changes nothing for anybody.
    switch(contoso, "on")
    assert Tenant.objects.get(pk=contoso.pk).since == moment


def test_the_history_cannot_be_edited_or_deleted(contoso: Tenant) -> None:
    change = switch(contoso, "on")
    assert change is not None
    change.reason = "Something else"
    attempts = [
        change.save,
        change.delete,
        Change.objects.all().delete,
        contoso.changes.all().delete,
        lambda: Change.objects.update(reason="Something else"),
        lambda: Change.objects.bulk_update([change], ["reason"]),
    ]
    for attempt in attempts:
        with pytest.raises(HistoryIsAppendOnly, match="append-only"), transaction.atomic():
            attempt()
    assert Change.objects.get(pk=change.pk).reason == "Pilot is done"


def test_an_operator_who_renames_a_tenant_undoes_no_switch(contoso: Tenant) -> None:
    opened_earlier = Tenant.objects.get(pk=contoso.pk)
    switch(contoso, "on")
    opened_earlier.title = "Contoso Ltd"
    opened_earlier.provision(reason="New name", channel="admin", operator="an operator")
    stored = Tenant.objects.get(pk=contoso.pk)
    assert (stored.title, stored.is_on) == ("Contoso Ltd", True)


@pytest.mark.django_db(transaction=True)
def test_this_worker_knows_as_soon_as_the_change_is_committed() -> None:
    tenant = Tenant(tid="33333333-3333-4333-8333-333333333333", name="adatum", title="Adatum")
    tenant.provision(reason="New", channel="command", operator="a test")
    switches.refresh()
    assert not switches.held().by_name["adatum"].on
    switch(tenant, "on")
    held = switches.held()
    assert held.by_name["adatum"].on
    assert held.revision == tenant.revision


@pytest.mark.django_db(transaction=True)
def test_a_change_is_whole_or_not_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    tenant = Tenant(tid="33333333-3333-4333-8333-333333333333", name="adatum", title="Adatum")
    tenant.provision(reason="New", channel="command", operator="a test")
    switches.refresh()
    before = Revision.latest()

    def fail(*args: object, **words: object) -> None:
        raise RuntimeError("pulled the plug")

    monkeypatch.setattr(Change, "save", fail)
    with pytest.raises(RuntimeError, match="pulled the plug"):
        switch(tenant, "on")
    monkeypatch.undo()
    assert Revision.latest() == before
    assert not Tenant.objects.get(pk=tenant.pk).is_on
    assert not switches.held().by_name["adatum"].on
