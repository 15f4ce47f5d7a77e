"""Roles and what they give, in words for people."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.functional import Promise
from django.utils.translation import gettext as _, gettext_lazy

from redirection import roles
from redirection.roles import Access, LocalRoleName

# In the order of the facts on the portals, "Roles".
LOCAL_ROLE_CHOICES = [
    (LocalRoleName.GLOBAL_ADMINISTRATOR.value, gettext_lazy("Global administrator")),
    (LocalRoleName.COMPLIANCE_ADMINISTRATOR.value, gettext_lazy("Compliance administrator")),
    (LocalRoleName.SECURITY_READER.value, gettext_lazy("Security reader")),
    (LocalRoleName.SECURITY_OPERATOR.value, gettext_lazy("Security operator")),
    (LocalRoleName.APP_INSTANCE_ADMIN.value, gettext_lazy("App/instance admin")),
    (LocalRoleName.USER_GROUP_ADMIN.value, gettext_lazy("User group admin")),
    (
        LocalRoleName.CLOUD_DISCOVERY_GLOBAL_ADMIN.value,
        gettext_lazy("Cloud Discovery global admin"),
    ),
    (
        LocalRoleName.CLOUD_DISCOVERY_REPORT_ADMIN.value,
        gettext_lazy("Cloud Discovery report admin"),
    ),
]
# Without the one that every member of a directory carries: it tells nothing.
_DIRECTORY_ROLE_NAMES: dict[str, str | Promise] = {
    roles.GLOBAL_ADMINISTRATOR: gettext_lazy("Global Administrator"),
    roles.SECURITY_ADMINISTRATOR: gettext_lazy("Security Administrator"),
    roles.CLOUD_APP_SECURITY_ADMINISTRATOR: gettext_lazy("Cloud App Security Administrator"),
    roles.GLOBAL_READER: gettext_lazy("Global Reader"),
    roles.COMPLIANCE_ADMINISTRATOR: gettext_lazy("Compliance Administrator"),
    roles.COMPLIANCE_DATA_ADMINISTRATOR: gettext_lazy("Compliance Data Administrator"),
    roles.SECURITY_OPERATOR: gettext_lazy("Security Operator"),
    roles.SECURITY_READER: gettext_lazy("Security Reader"),
    roles.CLOUD_APPLICATION_ADMINISTRATOR: gettext_lazy("Cloud Application Administrator"),
}
ACCESS_NAMES: dict[Access, str | Promise] = {
    Access.SWITCH: gettext_lazy("may switch redirection and give roles"),
    Access.SEE: gettext_lazy("may look"),
    Access.NOTHING: gettext_lazy("may not open it"),
}


def local_role_name(role: str) -> str:
    """The name of a local role; of "" that there is none."""
    return str(dict(LOCAL_ROLE_CHOICES).get(role, role)) if role else _("No local role")


def local_role_gives(role: str) -> str:
    """What a local role gives on the redirection page, by itself."""
    return str(ACCESS_NAMES[roles.access((), role or None)])


def directory_role_names(held: Iterable[str]) -> list[str]:
    """The names of directory roles, those that count here first; others are counted."""
    ids = {role.lower() for role in held} - {roles.ORDINARY_MEMBER}
    names = [str(name) for role, name in _DIRECTORY_ROLE_NAMES.items() if role in ids]
    others = len(ids - _DIRECTORY_ROLE_NAMES.keys())
    if others:
        names.append(_("%(number)d that mean nothing here") % {"number": others})
    return names
