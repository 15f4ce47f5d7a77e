"""Who may do what with the redirection setting: the whole matrix, once.

Source: facts on the portals, "Roles". Directory roles are known by their template id, local
roles by the name this product gives them.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum, StrEnum


class Access(IntEnum):
    """What a role gives on the redirection page; a higher one includes the lower."""

    NOTHING = 0
    SEE = 1
    SWITCH = 2


class LocalRoleName(StrEnum):
    """The local roles of the product."""

    GLOBAL_ADMINISTRATOR = "global_administrator"
    COMPLIANCE_ADMINISTRATOR = "compliance_administrator"
    SECURITY_READER = "security_reader"
    SECURITY_OPERATOR = "security_operator"
    APP_INSTANCE_ADMIN = "app_instance_admin"
    USER_GROUP_ADMIN = "user_group_admin"
    CLOUD_DISCOVERY_GLOBAL_ADMIN = "cloud_discovery_global_admin"
    CLOUD_DISCOVERY_REPORT_ADMIN = "cloud_discovery_report_admin"


GLOBAL_ADMINISTRATOR = "62e90394-69f5-4237-9190-012177145e10"
SECURITY_ADMINISTRATOR = "194ae4cb-b126-40b2-bd5b-6091b380977d"
CLOUD_APP_SECURITY_ADMINISTRATOR = "892c5842-a9a6-463a-8041-72aa08ca3cf6"
GLOBAL_READER = "f2ef992c-3afb-46b9-b7cf-a126ee74c451"
COMPLIANCE_ADMINISTRATOR = "17315797-102d-40b4-93e0-432062caca18"
COMPLIANCE_DATA_ADMINISTRATOR = "e6d1a23a-da11-4be4-9570-befc86d067a7"
SECURITY_OPERATOR = "5f2222b1-57c3-48ba-8ad5-d4759f1fde6f"
SECURITY_READER = "5d6b6bb7-de71-4623-b4af-96380a352509"
CLOUD_APPLICATION_ADMINISTRATOR = "158c047a-c907-4556-b7ef-446551a6b5f7"
ORDINARY_MEMBER = "b79fbf4d-3ef9-4689-8143-76b194e85509"

DIRECTORY_ROLES: dict[str, Access] = {
    GLOBAL_ADMINISTRATOR: Access.SWITCH,
    SECURITY_ADMINISTRATOR: Access.SWITCH,
    CLOUD_APP_SECURITY_ADMINISTRATOR: Access.SWITCH,
    GLOBAL_READER: Access.SEE,
    COMPLIANCE_ADMINISTRATOR: Access.SEE,
    COMPLIANCE_DATA_ADMINISTRATOR: Access.SEE,
    SECURITY_OPERATOR: Access.NOTHING,
    SECURITY_READER: Access.NOTHING,
    # Looks like one of the three above and is none of them.
    CLOUD_APPLICATION_ADMINISTRATOR: Access.NOTHING,
    ORDINARY_MEMBER: Access.NOTHING,
}

LOCAL_ROLES: dict[LocalRoleName, Access] = {
    LocalRoleName.GLOBAL_ADMINISTRATOR: Access.SWITCH,
    LocalRoleName.COMPLIANCE_ADMINISTRATOR: Access.SEE,
    LocalRoleName.SECURITY_READER: Access.NOTHING,
    LocalRoleName.SECURITY_OPERATOR: Access.NOTHING,
    LocalRoleName.APP_INSTANCE_ADMIN: Access.NOTHING,
    LocalRoleName.USER_GROUP_ADMIN: Access.NOTHING,
    LocalRoleName.CLOUD_DISCOVERY_GLOBAL_ADMIN: Access.SEE,
    LocalRoleName.CLOUD_DISCOVERY_REPORT_ADMIN: Access.SEE,
}

# Facts on the portals, "Roles": whoever holds one of these could not use the destination at all.
SHUT_OUT_OF_DESTINATION = frozenset(
    {
        LocalRoleName.APP_INSTANCE_ADMIN,
        LocalRoleName.USER_GROUP_ADMIN,
        LocalRoleName.CLOUD_DISCOVERY_GLOBAL_ADMIN,
        LocalRoleName.CLOUD_DISCOVERY_REPORT_ADMIN,
    }
)


def access(directory_roles: Iterable[str], local_role: str | None) -> Access:
    """What a person may do in one tenant, from the roles held in that same tenant.

    A local role overrides a directory role, except that the three full-access directory
    roles cannot be overridden downwards. Unknown roles give nothing.
    """
    directory = max(
        (DIRECTORY_ROLES.get(role.lower(), Access.NOTHING) for role in directory_roles),
        default=Access.NOTHING,
    )
    if directory is Access.SWITCH or local_role is None:
        return directory
    try:
        return LOCAL_ROLES[LocalRoleName(local_role)]
    except ValueError:
        return Access.NOTHING


def is_shut_out(directory_roles: Iterable[str], local_role: str | None) -> bool:
    """Whether a person with these roles of one tenant cannot use the destination.

    A directory role with full access is not overridden by a local one, here as in ``access``.
    """
    if local_role not in SHUT_OUT_OF_DESTINATION:
        return False
    return access(directory_roles, None) is not Access.SWITCH
