"""What is configured and switched in the conformance vectors."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

SECOND, MINUTE, HOUR = 1_000, 60_000, 3_600_000
SECRET_KEY = "the-secret-key-of-the-conformance-vectors-known-to-everybody"
FORMER_KEY = "the-former-secret-key-of-the-conformance-vectors-also-known"
OTHER_KEY = "a-secret-key-of-somebody-else-who-signs-cookies-of-their-own"
DESTINATION = "http://security.localhost"
GOV_DESTINATION = "http://security.gov.localhost"

_SETTINGS: Json = {
    "secret_key": SECRET_KEY,
    "former_secret_keys": [FORMER_KEY],
    "clouds": {
        "commercial": {
            "legacy": ["portal.localhost", "old.localhost"],
            "destination": DESTINATION,
        },
        "gcc-high": {"legacy": ["portal.gov.localhost"], "destination": GOV_DESTINATION},
    },
    "regions": ["us", "us1", "us2", "us3", "eu", "eu2"],
    "exempt_paths": [
        "/api/", "/cas/", "/oauth2/", "/saml/", "/auth/", "/redirection/", "/static/",
        "/download/", "/downloads/", "/.well-known/", "/favicon.ico", "/robots.txt",
    ],
    "session_idle": 3600,
    "session_limit": 43200,
    "session_cookie": "legacy_session",
    "secure": False,
    "hand_over_path": "/redirection/hand-over",
}  # fmt: skip


def tid(number: int) -> str:
    """The tenant id of the tenant ``number``."""
    return f"{number}{number}{number}{number}abcd-1111-4111-8111-11111111111{number}"


def _tenant(number: int, name: str, stage: str, setting: str, **more: Any) -> Json:
    return {
        "name": name,
        "tid": tid(number),
        "cloud": "commercial",
        "stage": stage,
        "setting": setting,
        "enabled": True,
        "since": -HOUR,
        "revision": number,
        "step_back_since": None,
    } | more


_TENANTS = [
    _tenant(1, "contoso", "opt_in", "on"),
    _tenant(2, "fabrikam", "opt_in", "not_set"),
    _tenant(3, "adatum", "opt_out", "not_set"),
    _tenant(4, "northwind", "opt_out", "off"),
    _tenant(5, "tailspin", "forced", "off"),
    _tenant(6, "woodgrove", "opt_in", "on", cloud="gcc-high"),
    _tenant(7, "lunar", "opt_in", "on", cloud="lunar"),
    _tenant(8, "litware", "opt_in", "on", step_back_since=-2 * HOUR),
    _tenant(9, "wingtip", "opt_in", "on", enabled=False),
]
TIDS: dict[str, str] = {tenant["name"]: tenant["tid"] for tenant in _TENANTS}
REVISIONS: dict[str, int] = {tenant["name"]: tenant["revision"] for tenant in _TENANTS}


def _rule(number: int, kind: str, source: str, target: str, **more: Any) -> Json:
    return {"number": number, "kind": kind, "source": source, "target": target} | more


_RULES = [
    _rule(1, "exact", "/old-report", "/new/report"),
    _rule(2, "prefix", "/folder/list", "/new/folder/{rest}"),
    _rule(3, "pattern", "/item/([0-9a-f]+)/view", "/new/items/{1}"),
    _rule(4, "exact", "/audits", "/gov/activity", cloud="gcc-high"),
    _rule(5, "exact", "/gone", "/", counterpart="none"),
]

WORLDS: list[Json] = [
    {"world": "main", "settings": _SETTINGS, "tenants": _TENANTS, "rules": []},
    {"world": "rules", "settings": _SETTINGS, "tenants": _TENANTS, "rules": _RULES},
    {
        "world": "secure",
        "settings": _SETTINGS | {"secure": True},
        "tenants": _TENANTS,
        "rules": [],
    },
    {"world": "stale", "settings": _SETTINGS, "tenants": _TENANTS, "rules": [], "state": "stale"},
    {"world": "unread", "settings": _SETTINGS, "tenants": [], "rules": [], "state": "unread"},
]
