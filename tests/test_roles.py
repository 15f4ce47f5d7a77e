"""The whole role matrix, on the page, the toggle and a direct POST."""

from __future__ import annotations

from http import HTTPStatus

import pytest
from django.test import Client
from hypothesis import given, strategies as st

from redirection import roles
from redirection.models import Tenant
from redirection.roles import (
    GLOBAL_ADMINISTRATOR,
    GLOBAL_READER,
    SHUT_OUT_OF_DESTINATION,
    Access,
    LocalRoleName,
    access,
    is_shut_out,
)
from tests.conftest import MakePerson

# The facts, told once more in their own words so that a slip in the table shows.
MAY_SWITCH = {
    "62e90394-69f5-4237-9190-012177145e10",
    "194ae4cb-b126-40b2-bd5b-6091b380977d",
    "892c5842-a9a6-463a-8041-72aa08ca3cf6",
}
MAY_SEE = {
    "f2ef992c-3afb-46b9-b7cf-a126ee74c451",
    "17315797-102d-40b4-93e0-432062caca18",
    "e6d1a23a-da11-4be4-9570-befc86d067a7",
}
MAY_NOT = {
    "5f2222b1-57c3-48ba-8ad5-d4759f1fde6f",
    "5d6b6bb7-de71-4623-b4af-96380a352509",
    "158c047a-c907-4556-b7ef-446551a6b5f7",
    "b79fbf4d-3ef9-4689-8143-76b194e85509",
}
LOCAL_MAY_SWITCH = {"global_administrator"}
LOCAL_MAY_SEE = {
    "compliance_administrator",
    "cloud_discovery_global_admin",
    "cloud_discovery_report_admin",
}
LOCAL_MAY_NOT = {"security_reader", "security_operator", "app_instance_admin", "user_group_admin"}


def expected(directory: str | None, local: str | None) -> Access:
    """What the facts say about somebody with these two roles."""
    if directory in MAY_SWITCH or local in LOCAL_MAY_SWITCH:
        return Access.SWITCH
    if local is not None:
        return Access.SEE if local in LOCAL_MAY_SEE else Access.NOTHING
    return Access.SEE if directory in MAY_SEE else Access.NOTHING


DIRECTORY = sorted(MAY_SWITCH | MAY_SEE | MAY_NOT)
LOCAL = sorted(LOCAL_MAY_SWITCH | LOCAL_MAY_SEE | LOCAL_MAY_NOT)
MATRIX = [(directory, local) for directory in [None, *DIRECTORY] for local in [None, *LOCAL]]


def test_the_table_has_every_role_and_no_other() -> None:
    assert sorted(roles.DIRECTORY_ROLES) == DIRECTORY
    assert sorted(roles.LOCAL_ROLES) == LOCAL == sorted(LocalRoleName)


@pytest.mark.parametrize(("directory", "local"), MATRIX)
def test_the_table_answers_as_the_facts_say(directory: str | None, local: str | None) -> None:
    assert access([directory] if directory else [], local) is expected(directory, local)


def test_of_several_directory_roles_the_strongest_counts() -> None:
    assert access(DIRECTORY, None) is Access.SWITCH
    assert access([*MAY_NOT, *MAY_SEE], None) is Access.SEE
    assert access(["62E90394-69F5-4237-9190-012177145E10"], None) is Access.SWITCH


@given(st.lists(st.text()), st.none() | st.text())
def test_a_role_nobody_knows_gives_nothing(directory: list[str], local: str | None) -> None:
    assert access(directory, local) is Access.NOTHING


@pytest.mark.parametrize(("directory", "local"), MATRIX)
def test_the_page_the_toggle_and_a_direct_post_agree(
    directory: str | None,
    local: str | None,
    contoso: Tenant,
    person: MakePerson,
    destination: Client,
) -> None:
    given_local = LocalRoleName(local) if local else None
    somebody = person(contoso, roles=[directory] if directory else [], local=given_local)
    destination.force_login(somebody, "redirection.permissions.TenantRolesBackend")
    page = destination.get("/cloudapps/settings?tabid=autoRedirection")
    form = {
        "wanted": "on",
        "reason_kind": "ready",
        "reason": "x",
        "seen_revision": contoso.revision,
        "tid": contoso.tid,
    }
    posted = destination.post("/cloudapps/settings/switch-redirection", form)
    contoso.refresh_from_db()
    may = expected(directory, local)
    assert page.status_code == (HTTPStatus.FORBIDDEN if may is Access.NOTHING else HTTPStatus.OK)
    assert (b'role="switch"' in page.content) is (may is Access.SWITCH)
    assert posted.status_code == (
        HTTPStatus.FOUND if may is Access.SWITCH else HTTPStatus.FORBIDDEN
    )
    assert contoso.is_on is (may is Access.SWITCH)


def test_a_superuser_of_the_site_is_no_admin_of_a_tenant(
    contoso: Tenant, person: MakePerson
) -> None:
    operator = person(contoso, "Olga")
    operator.is_superuser = operator.is_staff = True
    operator.save()
    assert operator.has_perm("redirection.view_tenant")
    assert not operator.has_perm("redirection.view_redirection", contoso)
    assert not operator.has_perm("redirection.switch_redirection", contoso)


def test_a_role_in_one_tenant_is_none_in_another(
    contoso: Tenant, fabrikam: Tenant, person: MakePerson
) -> None:
    ada = person(contoso, "Ada", roles=MAY_SWITCH)
    assert ada.has_perm("redirection.switch_redirection", contoso)
    assert not ada.has_perm("redirection.view_redirection", fabrikam)


def test_whoever_is_disabled_may_nothing(contoso: Tenant, person: MakePerson) -> None:
    ada = person(contoso, "Ada", roles=MAY_SWITCH)
    ada.is_active = False
    assert not ada.has_perm("redirection.view_redirection", contoso)


def test_in_a_disabled_tenant_nobody_may_anything(contoso: Tenant, person: MakePerson) -> None:
    ada = person(contoso, "Ada", roles=MAY_SWITCH)
    contoso.enabled = False
    assert not ada.has_perm("redirection.view_redirection", contoso)


@pytest.mark.parametrize("role", LocalRoleName)
def test_the_limited_local_roles_are_shut_out_unless_the_directory_gives_all(
    role: LocalRoleName,
) -> None:
    limited = role in SHUT_OUT_OF_DESTINATION
    assert is_shut_out([], role) is limited
    assert is_shut_out([GLOBAL_READER], role) is limited
    assert is_shut_out([GLOBAL_ADMINISTRATOR], role) is False
    assert is_shut_out([], None) is False
