"""The command that gives a tenant its first admin."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, execute_from_command_line

from portal.models import Person
from redirection.models import LocalRole, LocalRoleChange, Tenant
from redirection.roles import LocalRoleName
from tests.conftest import MakePerson
from tests.test_commands import run

OID = "99999999-9999-4999-8999-999999999999"
FULL = "global_administrator"


def test_the_first_admin_of_a_tenant_is_given_from_the_shell(contoso: Tenant) -> None:
    words = ("give_local_role", "contoso", OID.upper(), FULL, "--name", "Nina")
    assert run(*words, "--reason", "New") == "Nina in contoso now has: Global administrator.\n"
    person = Person.objects.get(username=f"{contoso.tid}:{OID}")
    assert person.has_perm("redirection.switch_redirection", contoso)
    change = LocalRoleChange.objects.get()
    assert (change.channel, change.reason, change.author) == ("command", "New", None)
    assert change.author_name.endswith("(shell)")
    assert "already had: Global administrator" in run(*words, "--reason", "New")
    assert LocalRoleChange.objects.count() == 1


def test_a_guest_gets_a_role_by_the_id_of_their_own_directory(
    contoso: Tenant, fabrikam: Tenant
) -> None:
    run("give_local_role", "contoso", OID, FULL, "--home", "fabrikam", "--reason", "Provider")
    guest = Person.objects.get(username=f"{fabrikam.tid}:{OID}")
    assert guest.has_perm("redirection.switch_redirection", contoso)
    assert not guest.has_perm("redirection.view_redirection", fabrikam)


def test_the_last_admin_goes_only_with_last(contoso: Tenant, person: MakePerson) -> None:
    lena = person(contoso, "Lena", local=LocalRoleName.GLOBAL_ADMINISTRATOR)
    words = ("give_local_role", "contoso", lena.object_id, "none", "--reason", "Left")
    with pytest.raises(CommandError, match=r"or give a role\. Add --last if that is meant"):
        run(*words)
    assert LocalRole.objects.filter(person=lena).exists()
    assert run(*words, "--last") == "Lena in contoso now has: No local role.\n"
    assert not LocalRole.objects.filter(person=lena).exists()


def test_taking_from_a_stranger_adds_nobody(contoso: Tenant) -> None:
    assert "already had: No local role" in run("give_local_role", "contoso", OID, "none")
    assert not Person.objects.exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "the following arguments are required: TENANT, PERSON, ROLE|none"),
        (["nobody", OID, FULL, "--reason", "x"], "No tenant is named 'nobody'."),
        (
            ["contoso", "nina@x", FULL, "--reason", "x"],
            "'nina@x' is no object id, which is a UUID.",
        ),
        (["contoso", OID, FULL], "Say why, in a few words."),
        (["contoso", OID, FULL, "--reason", "x" * 501], "Use at most 500 characters."),
        (["contoso", OID, FULL, "--home", "x", "--reason", "x"], "No tenant is named 'x'."),
        (["contoso", OID, FULL, "--why", "x"], "unrecognized arguments: --why x"),
        (
            ["contoso", OID, "admin", "--reason", "x"],
            f"Choose a role ({', '.join(LocalRoleName)}) or none.",
        ),
    ],
)
def test_bad_input_is_one_line_and_exit_code_two(
    words: list[str], said: str, contoso: Tenant, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        execute_from_command_line(["manage.py", "give_local_role", *words])
    assert stopped.value.code == 2
    assert capsys.readouterr().err == f"CommandError: {said}\n"
    assert not LocalRole.objects.exists()
    assert not Person.objects.exists()
