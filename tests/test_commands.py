"""The commands of operators: one line, exit code 2 for bad input, nothing half-applied."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.core.management import CommandError, call_command, execute_from_command_line

from redirection.models import Change, Tenant

TID = "33333333-3333-4333-8333-333333333333"


def run(*words: str) -> str:
    out = io.StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


def test_the_command_does_what_the_toggle_does(contoso: Tenant) -> None:
    said = run(
        "switch_redirection", "contoso", "on", "--kind", "trial", "--reason", "Pilot is done"
    )
    contoso.refresh_from_db()
    assert said == f"Automatic redirection of contoso is on at revision {contoso.revision}.\n"
    change = contoso.changes.latest()
    assert (change.channel, change.reason) == ("command", "Pilot is done")
    assert change.author_name.endswith("(shell)")


def test_a_tenant_can_be_named_by_its_id(contoso: Tenant) -> None:
    run(
        "switch_redirection",
        str(contoso.tid),
        "on",
        "--kind",
        "trial",
        "--reason",
        "x",
        "--operator",
        "Olga",
    )
    assert contoso.changes.latest().author_name == "Olga"


def test_twice_is_once(contoso: Tenant) -> None:
    run("switch_redirection", "contoso", "on", "--kind", "trial", "--reason", "x")
    assert "already was on" in run(
        "switch_redirection", "contoso", "on", "--kind", "trial", "--reason", "x"
    )
    assert contoso.changes.filter(what="setting").count() == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["switch_redirection"], "the following arguments are required: TENANT, on|off"),
        (
            ["switch_redirection", "nobody", "on", "--kind", "trial", "--reason", "x"],
            "No tenant is named 'nobody'.",
        ),
        (
            ["switch_redirection", "contoso", "maybe", "--kind", "trial", "--reason", "x"],
            "Choose on or off.",
        ),
        (["switch_redirection", "contoso", "on"], "Say why, in a few words."),
        (["switch_redirection", "contoso", "on", "--why", "x"], "unrecognized arguments: --why x"),
        (
            ["change_stage", "contoso", "soon", "--kind", "trial", "--reason", "x"],
            "Choose opt_in, opt_out or forced.",
        ),
        (["add_tenant", "Bad Name", TID, "--reason", "x"], "Enter a valid value."),
        (["add_tenant", "adatum", "no-uuid", "--reason", "x"], "“no-uuid” is not a valid UUID."),
        (["add_tenant", "us", TID, "--reason", "x"], "This is the name of a region."),
        (["add_tenant", "contoso", TID, "--reason", "x"], "Tenant with this Name already exists."),
        (
            ["add_tenant", "adatum", TID, "--cloud", "lunar", "--reason", "x"],
            "Known clouds: commercial, gcc-high.",
        ),
        (["add_tenant", "adatum", TID], "Say why, in a few words."),
    ],
)
def test_bad_input_is_one_line_and_exit_code_two(
    words: list[str], said: str, contoso: Tenant, capsys: pytest.CaptureFixture[str]
) -> None:
    before = Change.objects.count()
    with pytest.raises(SystemExit) as stopped:
        execute_from_command_line(["manage.py", *words])
    assert stopped.value.code == 2
    error = capsys.readouterr().err
    assert error == f"CommandError: {said}\n"
    assert Change.objects.count() == before
    assert Tenant.objects.count() == 1


def test_an_operator_moves_the_stage(contoso: Tenant) -> None:
    said = run("change_stage", "contoso", "opt_out", "--kind", "trial", "--reason", "July")
    assert "automatic redirection is on" in said
    assert "already was" in run(
        "change_stage", "contoso", "opt_out", "--kind", "trial", "--reason", "July"
    )


def test_an_operator_adds_a_tenant(db: None) -> None:
    said = run("add_tenant", "adatum", TID, "--title", "Adatum Ltd", "--reason", "New customer")
    tenant = Tenant.objects.get(name="adatum")
    assert said == f"Tenant adatum is there at revision {tenant.revision}.\n"
    assert (str(tenant.tid), tenant.title, tenant.is_on) == (TID, "Adatum Ltd", False)


def test_a_store_that_cannot_be_used_is_said_in_one_line(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.db import OperationalError

    def fail(*args: Any, **words: Any) -> None:
        raise OperationalError("no such table:\n redirection_tenant")

    monkeypatch.setattr(Tenant.objects, "filter", fail)
    with pytest.raises(CommandError, match="The store cannot be used: no such table: redirection"):
        run("switch_redirection", "contoso", "on", "--kind", "trial", "--reason", "x")
