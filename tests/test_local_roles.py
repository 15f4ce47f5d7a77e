"""Giving and taking local roles: who may, what is written down, and the last way in."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus
from typing import Any
from uuid import UUID

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured, PermissionDenied, ValidationError
from django.db import transaction
from django.test import Client
from django.utils import timezone

from portal.invitations import invite
from portal.models import Person
from portal.sign_in.pipeline import create_person
from redirection.models import (
    LastWayIn,
    LocalRole,
    LocalRoleChange,
    LocalRoleChangedMeanwhile,
    RoleSnapshot,
    Tenant,
)
from redirection.models.append_only import HistoryIsAppendOnly
from redirection.permissions import RolesTooOld, access_in
from redirection.roles import (
    GLOBAL_ADMINISTRATOR,
    GLOBAL_READER,
    SECURITY_ADMINISTRATOR,
    Access,
    LocalRoleName,
)
from tests.conftest import MakePerson

FULL = LocalRoleName.GLOBAL_ADMINISTRATOR
READER = LocalRoleName.SECURITY_READER
OBJECT_ID = UUID("99999999-9999-4999-8999-999999999999")


def give(tenant: Tenant, person: Person, role: str | None, **how: Any) -> LocalRoleChange | None:
    words = {"reason": "Joined the team", "channel": "command", **how}
    if "author" not in words:
        words.setdefault("operator", "Olga")
    return LocalRole.objects.give_local_role(tenant, person, role, **words)


def role_of(tenant: Tenant, person: Person) -> str | None:
    return LocalRole.objects.filter(tenant=tenant, person=person).values_list("role").first()


def test_a_role_is_given_changed_and_taken_with_its_history(
    contoso: Tenant, ada: Person, otto: Person
) -> None:
    for role in (READER, FULL, None):
        give(contoso, otto, role, author=ada, reason=f"To {role}", channel="page")
    assert role_of(contoso, otto) is None
    rows = LocalRoleChange.objects.values_list("before", "after", "reason", "author_name")
    assert list(rows) == [
        (FULL, "", "To None", "Ada"),
        (READER, FULL, f"To {FULL}", "Ada"),
        ("", READER, f"To {READER}", "Ada"),
    ]
    change = LocalRoleChange.objects.latest("pk")
    assert (change.tenant, change.person, change.person_name) == (contoso, otto, "Otto")
    assert (change.author, change.channel) == (ada, "page")


def test_the_role_that_is_there_already_is_no_change_and_no_error(
    contoso: Tenant, ada: Person, otto: Person
) -> None:
    assert give(contoso, otto, None, author=ada) is None
    assert give(contoso, otto, READER, author=ada) is not None
    assert give(contoso, otto, READER, author=ada, seen_role="", reason="") is None
    assert LocalRoleChange.objects.count() == 1


@pytest.mark.parametrize("role", ["", "admin", "GLOBAL_ADMINISTRATOR", "none", "\x00"])
def test_an_unknown_role_is_an_error_that_changes_nothing(
    role: str, contoso: Tenant, otto: Person
) -> None:
    with pytest.raises(ValidationError, match="Choose a role"):
        give(contoso, otto, role)
    assert role_of(contoso, otto) is None


@pytest.mark.parametrize(
    ("reason", "said"), [("", "Say why"), (" \n\x00", "Say why"), ("x" * 501, "at most 500")]
)
def test_without_a_reason_nothing_changes(
    reason: str, said: str, contoso: Tenant, otto: Person
) -> None:
    with pytest.raises(ValidationError, match=said):
        give(contoso, otto, READER, reason=reason)
    assert role_of(contoso, otto) is None


def test_names_and_reasons_cannot_forge_a_line_of_the_history(
    contoso: Tenant, person: MakePerson
) -> None:
    eve = person(contoso, "Eve\r\n2026 INFO\u2028forged")
    change = give(contoso, eve, READER, reason="One\nTwo")
    assert change is not None
    assert (change.person_name, change.reason) == ("Eve 2026 INFO forged", "One Two")


def test_only_whoever_may_switch_gives_roles_and_only_in_that_tenant(
    contoso: Tenant, fabrikam: Tenant, person: MakePerson, rita: Person, otto: Person
) -> None:
    fay = person(fabrikam, "Fay", roles=[GLOBAL_ADMINISTRATOR])
    olga = Person.objects.create_superuser("olga", password="a-long-enough-password")
    for author in (rita, otto, fay, olga):
        with pytest.raises(PermissionDenied):
            give(contoso, otto, FULL, author=author)
    with pytest.raises(PermissionDenied):
        give(contoso, otto, FULL, operator="")
    assert role_of(contoso, otto) is None


def test_giving_needs_fresh_roles(contoso: Tenant, ada: Person, otto: Person) -> None:
    RoleSnapshot.objects.filter(person=ada).update(taken_at=timezone.now() - timedelta(hours=1))
    with pytest.raises(RolesTooOld):
        give(contoso, otto, READER, author=ada)
    assert role_of(contoso, otto) is None


def test_the_second_of_two_admins_sees_what_the_first_did(
    contoso: Tenant, ada: Person, otto: Person
) -> None:
    give(contoso, otto, READER, author=ada, reason="The first")
    with pytest.raises(LocalRoleChangedMeanwhile) as caught:
        give(contoso, otto, FULL, author=ada, seen_role="")
    assert caught.value.role == READER
    assert caught.value.change is not None
    assert caught.value.change.reason == "The first"
    assert role_of(contoso, otto) == (READER,)
    give(contoso, otto, FULL, author=ada, seen_role=READER)
    assert role_of(contoso, otto) == (FULL,)


def test_whose_role_was_taken_gives_none(contoso: Tenant, person: MakePerson, ada: Person) -> None:
    lena, otto = person(contoso, "Lena", local=FULL), person(contoso, "Otto")
    give(contoso, lena, None, author=ada)
    with pytest.raises(PermissionDenied):
        give(contoso, otto, FULL, author=lena)


def test_the_history_cannot_be_edited_or_deleted(contoso: Tenant, otto: Person) -> None:
    change = give(contoso, otto, READER)
    assert change is not None
    attempts = [
        change.save,
        change.delete,
        LocalRoleChange.objects.all().delete,
        contoso.local_role_changes.all().delete,
        lambda: LocalRoleChange.objects.update(reason="Something else"),
        lambda: LocalRoleChange.objects.bulk_update([change], ["reason"]),
    ]
    for attempt in attempts:
        with pytest.raises(HistoryIsAppendOnly, match="append-only"), transaction.atomic():
            attempt()
    assert LocalRoleChange.objects.get().reason == "Joined the team"


@pytest.mark.django_db(transaction=True)
def test_a_change_is_whole_or_not_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    tenant = Tenant(tid="33333333-3333-4333-8333-333333333333", name="adatum", title="Adatum")
    tenant.provision(reason="New", channel="command", operator="a test")

    def fail(*args: object, **words: object) -> None:
        raise RuntimeError("pulled the plug")

    monkeypatch.setattr(LocalRoleChange, "save", fail)
    how = {"reason": "x", "channel": "command", "operator": "Olga"}
    with pytest.raises(RuntimeError, match="pulled the plug"):
        LocalRole.objects.invite(tenant, tenant, OBJECT_ID, FULL, "Nina", **how)
    assert not LocalRole.objects.exists()
    assert not Person.objects.exists()


# --- The last way in ---


def others(tenant: Tenant, person: MakePerson) -> dict[str, Person]:
    """People who are no other way in, each for a reason of their own."""
    gone = person(tenant, "Gone", roles=[GLOBAL_ADMINISTRATOR], local=FULL)
    gone.is_active = False
    gone.save()
    invited = invite(tenant, OBJECT_ID, "Invited")
    LocalRole.objects.create(person=invited, tenant=tenant, role=FULL)
    return {"gone": gone, "reader": person(tenant, "Rita", roles=[GLOBAL_READER])}


@pytest.mark.parametrize("role", [None, READER, LocalRoleName.CLOUD_DISCOVERY_GLOBAL_ADMIN])
def test_the_last_way_in_ends_only_if_that_is_said(
    role: LocalRoleName | None, contoso: Tenant, fabrikam: Tenant, person: MakePerson
) -> None:
    lena = person(contoso, "Lena", local=FULL)
    others(contoso, person)
    person(fabrikam, "Fay", roles=[GLOBAL_ADMINISTRATOR], local=FULL)
    for author in ({"author": lena}, {"operator": "Olga"}):
        with pytest.raises(LastWayIn, match="Nobody else in Contoso is known"):
            give(contoso, lena, role, **author)
    assert role_of(contoso, lena) == (FULL,)
    assert not LocalRoleChange.objects.exists()
    assert give(contoso, lena, role, author=lena, even_the_last=True) is not None
    assert access_in(contoso, lena) < Access.SWITCH


@pytest.mark.parametrize(
    ("roles", "local"),
    [([], FULL), ([GLOBAL_ADMINISTRATOR], None), ([SECURITY_ADMINISTRATOR], READER)],
)
def test_with_another_way_in_nothing_is_asked(
    roles: list[str], local: LocalRoleName | None, contoso: Tenant, person: MakePerson
) -> None:
    lena = person(contoso, "Lena", local=FULL)
    person(contoso, "Gloria", roles=roles, local=local)
    assert give(contoso, lena, None, author=lena) is not None


def test_whoever_keeps_full_access_by_the_directory_is_asked_nothing(
    contoso: Tenant, person: MakePerson
) -> None:
    gloria = person(contoso, "Gloria", roles=[GLOBAL_ADMINISTRATOR], local=FULL)
    assert give(contoso, gloria, READER, author=gloria) is not None
    assert access_in(contoso, gloria) is Access.SWITCH


# --- Invitations ---


def invited(tenant: Tenant, role: str | None, **how: Any) -> LocalRoleChange | None:
    words = {"reason": "First admin", "channel": "command", "operator": "Olga", **how}
    if "author" in words:
        del words["operator"]
    return LocalRole.objects.invite(tenant, tenant, OBJECT_ID, role, "Nina", **words)


def test_a_role_waits_for_whoever_signs_in_with_the_object_id(contoso: Tenant) -> None:
    change = invited(contoso, FULL)
    assert change is not None
    assert change.person_name == "Nina"
    uid = f"{contoso.tid}:{OBJECT_ID}"
    found = create_person(backend=None, uid=uid, details={"fullname": "Nina Novak"})
    assert not found["is_new"]
    assert found["user"].display_name == "Nina Novak"
    assert not found["user"].has_usable_password()
    assert access_in(contoso, found["user"]) is Access.SWITCH
    assert Tenant.objects.known_to(found["user"]).get() == contoso


def test_inviting_twice_is_once(contoso: Tenant) -> None:
    assert invited(contoso, FULL) is not None
    assert invited(contoso, FULL) is None
    assert Person.objects.count() == LocalRole.objects.count() == 1


def test_an_invitation_without_effect_leaves_nobody_behind(
    contoso: Tenant, ada: Person, rita: Person
) -> None:
    assert invited(contoso, None) is None
    with pytest.raises(PermissionDenied):
        invited(contoso, FULL, author=rita)
    with pytest.raises(ValidationError):
        invited(contoso, FULL, author=ada, reason="")
    assert set(Person.objects.all()) == {ada, rita}


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("portal.nowhere.invite", "No module named"),
        ("invite", "doesn't look like a module path"),
        ("portal.invitations.__name__", "cannot be called"),
    ],
)
def test_a_site_whose_invitations_lead_nowhere_does_not_start(
    path: str, said: str, settings: Any
) -> None:
    settings.REDIRECTION_INVITE = path
    found = [message for message in run_checks() if message.id == "redirection.E008"]
    assert [said in message.msg for message in found] == [True]
    assert f"is {path!r}" in found[0].msg


def test_a_site_without_invitations_says_so(contoso: Tenant, settings: Any) -> None:
    settings.REDIRECTION_INVITE = "portal.nowhere.invite"
    with pytest.raises(ImproperlyConfigured, match="REDIRECTION_INVITE"):
        invited(contoso, FULL)


# --- Operator pages ---


@pytest.mark.parametrize("model", ["localrole", "localrolechange"])
def test_operators_read_local_roles_and_their_history_and_change_neither(
    model: str, contoso: Tenant, otto: Person, destination: Client
) -> None:
    give(contoso, otto, READER)
    olga = Person.objects.create_superuser("olga", password="a-long-enough-password")
    destination.force_login(olga, "django.contrib.auth.backends.ModelBackend")
    page = f"/admin/redirection/{model}/"
    row = LocalRole.objects.get() if model == "localrole" else LocalRoleChange.objects.get()
    assert "Otto" in destination.get(page).content.decode()
    assert destination.get(f"{page}{row.pk}/change/").status_code == HTTPStatus.OK
    for forbidden in (f"{page}add/", f"{page}{row.pk}/delete/", f"{page}{row.pk}/change/"):
        assert destination.post(forbidden, {"role": FULL}).status_code == HTTPStatus.FORBIDDEN
    assert role_of(contoso, otto) == (READER,)
