"""Where no directory gives roles, local roles alone say who may switch."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.core.management import CommandError

from portal.models import Person
from redirection.models import LastWayIn, LocalRole, LocalRoleChange, Tenant
from redirection.permissions import SWITCH_REDIRECTION, may
from tests.test_commands import run

FULL = "global_administrator"
HOW = {"reason": "a test", "channel": "command", "operator": "a test"}


@pytest.fixture(autouse=True)
def no_directory(settings: Any) -> None:
    settings.REDIRECTION_ROLES_MAX_AGE = None
    settings.REDIRECTION_CHECK_ROLES_URL = ""
    settings.REDIRECTION_INVITE = ""


@pytest.fixture
def lena(contoso: Tenant) -> Person:
    """Lena has a user name and never came from a directory."""
    return Person.objects.create_user("lena")


def test_a_role_is_given_by_user_name_and_counts_at_once(contoso: Tenant, lena: Person) -> None:
    words = ("give_local_role", "contoso", "lena", FULL, "--reason", "First")
    assert run(*words) == "lena in contoso now has: Global administrator.\n"
    change = LocalRoleChange.objects.get()
    assert (change.person, change.reason, change.channel) == (lena, "First", "command")
    assert contoso.switch_redirection(
        "on", reason_kind="trial", reason="x", channel="page", author=lena
    )


def test_a_user_without_a_role_may_not_switch(contoso: Tenant, lena: Person) -> None:
    with pytest.raises(PermissionDenied):
        contoso.switch_redirection(
            "on", reason_kind="trial", reason="x", channel="page", author=lena
        )


def test_nobody_is_added_by_a_wrong_name(contoso: Tenant) -> None:
    with pytest.raises(CommandError, match="No user is named 'nina'") as error:
        run("give_local_role", "contoso", "nina", FULL, "--reason", "x")
    assert error.value.returncode == 2
    assert not Person.objects.exists()


def test_a_superuser_may_what_their_role_gives(contoso: Tenant, lena: Person) -> None:
    Person.objects.filter(pk=lena.pk).update(is_superuser=True)
    root = Person.objects.get(pk=lena.pk)
    assert not may(root, SWITCH_REDIRECTION, contoso)
    LocalRole.objects.give_local_role(contoso, root, FULL, **HOW)
    assert may(root, SWITCH_REDIRECTION, contoso)


def test_another_local_admin_is_a_way_in(contoso: Tenant, lena: Person) -> None:
    other = Person.objects.create_user("other")
    LocalRole.objects.give_local_role(contoso, lena, FULL, **HOW)
    with pytest.raises(LastWayIn):
        LocalRole.objects.give_local_role(contoso, lena, None, **HOW)
    LocalRole.objects.give_local_role(contoso, other, FULL, **HOW)
    assert LocalRole.objects.give_local_role(contoso, lena, None, **HOW)
