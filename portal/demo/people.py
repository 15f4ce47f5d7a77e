"""The people of the demo: one for every role of the matrix, in two tenants, and two who are
refused.

Every id is fixed, so that a second start finds the people of the first.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID, uuid5

from redirection import roles
from redirection.roles import LocalRoleName

CONTOSO = "6b1f0f4e-58a1-4c0e-9d3c-2a7f5c1e0a01"
FABRIKAM = "0d9c7a52-3e64-4b7b-8f15-91d2e4b60b02"
# Known to the provider, but not to the portal.
NORTHWIND = "c35e8d17-7b90-4f2a-a6d4-4e81f09b7c03"
PERSONAL = "9188040d-6c67-4c5b-b112-36a304b66dad"

TENANT_NAMES = {
    CONTOSO: "contoso",
    FABRIKAM: "fabrikam",
    NORTHWIND: "northwind",
    PERSONAL: "personal accounts",
}

# Everybody else is refused there.
IN_THE_PORTAL = (CONTOSO, FABRIKAM)

# Role, its template id in the directory, the local role; who has it in contoso, in fabrikam.
MATRIX: tuple[tuple[str, str | None, LocalRoleName | None, str, str], ...] = (
    ("Global Administrator", roles.GLOBAL_ADMINISTRATOR, None, "Gloria", "Gregor"),
    ("Security Administrator", roles.SECURITY_ADMINISTRATOR, None, "Simon", "Sonja"),
    (
        "Cloud App Security Administrator",
        roles.CLOUD_APP_SECURITY_ADMINISTRATOR,
        None,
        "Ada",
        "Adam",
    ),
    ("Global Reader", roles.GLOBAL_READER, None, "Rita", "Rosa"),
    ("Compliance Administrator", roles.COMPLIANCE_ADMINISTRATOR, None, "Carla", "Cyril"),
    ("Compliance Data Administrator", roles.COMPLIANCE_DATA_ADMINISTRATOR, None, "Dario", "Delia"),
    ("Security Operator", roles.SECURITY_OPERATOR, None, "Oscar", "Olga"),
    ("Security Reader", roles.SECURITY_READER, None, "Selma", "Stefan"),
    (
        "Cloud Application Administrator",
        roles.CLOUD_APPLICATION_ADMINISTRATOR,
        None,
        "Clive",
        "Clara",
    ),
    ("ordinary member", None, None, "Otto", "Omar"),
    ("local Global administrator", None, LocalRoleName.GLOBAL_ADMINISTRATOR, "Lena", "Lukas"),
    (
        "local Compliance administrator",
        None,
        LocalRoleName.COMPLIANCE_ADMINISTRATOR,
        "Milo",
        "Mira",
    ),
    ("local Security reader", None, LocalRoleName.SECURITY_READER, "Nora", "Noel"),
    ("local Security operator", None, LocalRoleName.SECURITY_OPERATOR, "Pavel", "Petra"),
    ("local App/instance admin", None, LocalRoleName.APP_INSTANCE_ADMIN, "Ines", "Igor"),
    ("local User group admin", None, LocalRoleName.USER_GROUP_ADMIN, "Ugo", "Uma"),
    (
        "local Cloud Discovery global admin",
        None,
        LocalRoleName.CLOUD_DISCOVERY_GLOBAL_ADMIN,
        "Thea",
        "Tobias",
    ),
    (
        "local Cloud Discovery report admin",
        None,
        LocalRoleName.CLOUD_DISCOVERY_REPORT_ADMIN,
        "Ravi",
        "Romy",
    ),
)


@dataclass(frozen=True)
class DemoPerson:
    """Somebody who can sign in at the stand-in for Entra ID."""

    tid: str
    first_name: str
    role: str
    directory_role: str | None = None
    local_role: LocalRoleName | None = None

    @property
    def oid(self) -> str:
        return str(uuid5(UUID(self.tid), self.first_name))

    @property
    def uid(self) -> str:
        """The user name of the person in the portal, ``tid:oid``."""
        return f"{self.tid}:{self.oid}"

    @property
    def tenant_name(self) -> str:
        return TENANT_NAMES[self.tid]

    @property
    def display_name(self) -> str:
        return f"{self.first_name} ({self.role})"

    @property
    def address(self) -> str:
        domain = "outlook" if self.tid == PERSONAL else self.tenant_name
        return f"{self.first_name.lower()}@{domain}.example"


PEOPLE = (
    *(DemoPerson(CONTOSO, name, role, wid, local) for role, wid, local, name, _ in MATRIX),
    *(DemoPerson(FABRIKAM, name, role, wid, local) for role, wid, local, _, name in MATRIX),
    DemoPerson(NORTHWIND, "Wanda", "Global Administrator", roles.GLOBAL_ADMINISTRATOR),
    DemoPerson(PERSONAL, "Paul", "private person"),
)
BY_UID = {person.uid: person for person in PEOPLE}
