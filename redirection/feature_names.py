"""The names of the route table's features, for the reader's language: the table itself is pure."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

FEATURE_NAMES: dict[str, str | Promise] = {
    "About": _("About"),
    "Activity log": _("Activity log"),
    "Activity privacy permissions": _("Activity privacy permissions"),
    "Alerts": _("Alerts"),
    "API tokens": _("API tokens"),
    "Automatic log upload": _("Automatic log upload"),
    "Cloud app catalog": _("Cloud app catalog"),
    "Cloud discovery": _("Cloud discovery"),
    "Connected apps": _("Connected apps"),
    "Default behavior": _("Default behavior"),
    "Discovered apps": _("Discovered apps"),
    "Discovered devices": _("Discovered devices"),
    "Discovered IP addresses": _("Discovered IP addresses"),
    "Discovered resources": _("Discovered resources"),
    "Discovered users": _("Discovered users"),
    "Exported reports": _("Exported reports"),
    "External DLP": _("External DLP"),
    "Files": _("Files"),
    "Governance log": _("Governance log"),
    "Home": _("Home"),
    "Identities": _("Identities"),
    "Identity security posture": _("Identity security posture"),
    "Information protection": _("Information protection"),
    "IP address ranges": _("IP address ranges"),
    "OAuth apps": _("OAuth apps"),
    "One alert": _("One alert"),
    "One user": _("One user"),
    "Playbooks": _("Playbooks"),
    "Policy management": _("Policy management"),
    "Policy templates": _("Policy templates"),
    "Preview features": _("Preview features"),
    "Quarantined files": _("Quarantined files"),
    "Redirection": _("Redirection"),
    "Roles": _("Roles"),
    "Scoped deployment and privacy": _("Scoped deployment and privacy"),
    "Security configuration": _("Security configuration"),
    "Settings": _("Settings"),
    "SIEM agents": _("SIEM agents"),
    "User enrichment": _("User enrichment"),
    "User groups": _("User groups"),
    "User page": _("User page"),
}


def feature_name(feature: str) -> str | Promise:
    """The name to show for a feature of the route table, as it stands there; others unchanged."""
    return FEATURE_NAMES.get(feature, feature)
