"""The route table: which legacy page lives where in the destination portal.

Sources: the facts on the portals ("Where features moved") and their list of observed link
shapes. Rows marked *named here* have no published address; the feature's move is published.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Counterpart(StrEnum):
    """How well the destination answers a legacy page."""

    EXACT = "exact"
    NEAREST = "nearest"
    NONE = "none"


class Query(StrEnum):
    """What happens to the parameters of a legacy link."""

    KEEP = "keep"
    DROP = "drop"


@dataclass(frozen=True, slots=True)
class Route:
    """One legacy route: the page's ``feature`` name and its ``target`` path in the destination.

    With ``Query.DROP`` only ``tid`` travels; ``dropped`` lists single name and value pairs
    that mean nothing over there.
    """

    feature: str
    target: str
    counterpart: Counterpart = Counterpart.EXACT
    query: Query = Query.KEEP
    dropped: frozenset[tuple[str, str]] = frozenset()


def _settings(feature: str, tab: str) -> Route:
    return Route(feature, f"/cloudapps/settings?tabid={tab}")


_HOME_TAB = frozenset({("tab", "dashboard")})
_DISCOVERY = "/cloudapps/discovery"

ROUTES: dict[str, Route] = {
    # Observed or inferred pairs.
    "audits": Route("Activity log", "/cloudapps/activity-log"),
    "alerts": Route("Alerts", "/alerts"),
    "policy": Route("Policy management", "/cloudapps/policies/management"),
    "discovery": Route("Cloud discovery", _DISCOVERY, dropped=_HOME_TAB),
    "app-permissions": Route("OAuth apps", "/cloudapps/oauth-apps", query=Query.DROP),
    "governancelog": Route("Governance log", "/cloudapps/governance-log"),
    "settings": Route("Settings", "/cloudapps/settings"),
    "users": Route("Identities", "/identities"),
    # Published moves; the address on one side or both is named here.
    "dashboard": Route("Home", "/", Counterpart.NEAREST, Query.DROP),
    "policies": Route("Policy management", "/cloudapps/policies/management"),
    "policy/templates": Route("Policy templates", "/cloudapps/policies/templates"),
    "templates": Route("Policy templates", "/cloudapps/policies/templates"),
    "discovered-apps": Route("Discovered apps", f"{_DISCOVERY}?tab=apps"),
    "discovered-resources": Route("Discovered resources", f"{_DISCOVERY}?tab=resources"),
    "discovered-ips": Route("Discovered IP addresses", f"{_DISCOVERY}?tab=ip-addresses"),
    "discovered-users": Route("Discovered users", f"{_DISCOVERY}?tab=users"),
    "discovered-devices": Route("Discovered devices", f"{_DISCOVERY}?tab=devices"),
    "app-catalog": Route("Cloud app catalog", "/cloudapps/app-catalog"),
    "catalog": Route("Cloud app catalog", "/cloudapps/app-catalog"),
    "files": Route("Files", "/cloudapps/files"),
    "quarantine": Route("Quarantined files", "/quarantine?viewid=Files", query=Query.DROP),
    "services": _settings("Connected apps", "appConnectors"),
    "connected-apps": _settings("Connected apps", "appConnectors"),
    "reports": Route("Exported reports", "/cloudapps/exported-reports"),
    "manage-admins": Route("Roles", "/cloudapps/permissions/roles"),
    "activity-privacy": Route(
        "Activity privacy permissions", "/cloudapps/permissions/activity-privacy"
    ),
    "settings/about": _settings("About", "about"),
    "settings/preview-features": _settings("Preview features", "previewFeatures"),
    "settings/ip-ranges": _settings("IP address ranges", "ipRanges"),
    "settings/user-groups": _settings("User groups", "userGroups"),
    "settings/scoped-deployment": _settings("Scoped deployment and privacy", "scopedDeployment"),
    "settings/api-tokens": _settings("API tokens", "apiTokens"),
    "settings/siem-agents": _settings("SIEM agents", "siemAgents"),
    "settings/playbooks": _settings("Playbooks", "playbooks"),
    "settings/external-dlp": _settings("External DLP", "externalDlp"),
    "settings/log-upload": _settings("Automatic log upload", "discovery-autoUpload"),
    "settings/user-enrichment": _settings("User enrichment", "discovery-userEnrichment"),
    "settings/information-protection": _settings("Information protection", "security"),
    "settings/files": _settings("Files", "files"),
    "settings/app-control": _settings("Default behavior", "proxyHardening"),
    "settings/redirection": _settings("Redirection", "autoRedirection"),
    # Features that left the portal: nothing over there, so the person is told.
    "security-configuration": Route("Security configuration", "/", Counterpart.NONE, Query.DROP),
    "identity-security-posture": Route(
        "Identity security posture", "/", Counterpart.NONE, Query.DROP
    ),
}
