"""Adapters that run in the process of the test: middleware, WSGI door, and a proxy's gate."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any
from urllib.parse import unquote_to_bytes

from redirection import switches
from redirection.decisions import Tenant, redirection_is_on
from redirection.link_rules import LinkRule, normal_source
from redirection.rule_sets import RuleSet
from tests.vectors.cookies import Json
from tests.vectors.runner import PORTAL_PAGE, PORTAL_SENDS_ON, Received, Send, Sent

GATE_KEY = "the-gate-key-of-the-conformance-vectors"
_PORTAL_SAYS = ("Cache-Control", "no-transform")


def settings_of(world: Json) -> dict[str, Any]:
    """Django's settings for a world, by name."""
    given = world["settings"]
    return {
        "SECRET_KEY": given["secret_key"],
        "SECRET_KEY_FALLBACKS": given["former_secret_keys"],
        "REDIRECTION_CLOUDS": given["clouds"],
        "REDIRECTION_REGIONS": given["regions"],
        "REDIRECTION_EXEMPT_PATHS": given["exempt_paths"],
        "REDIRECTION_SESSION_IDLE": given["session_idle"],
        "REDIRECTION_SESSION_LIMIT": given["session_limit"],
        "REDIRECTION_SESSION_COOKIE": given["session_cookie"],
        "REDIRECTION_SESSION_COOKIE_SECURE": given["secure"],
        "REDIRECTION_GATE_KEY": GATE_KEY,
        "ALLOWED_HOSTS": ["*"],
    }


def held_in(world: Json, now: int) -> switches.Held:
    """What a worker holds in this world at ``now``, in milliseconds since the epoch."""
    if world.get("state") == "unread":
        return switches.NOTHING
    tenants = [
        Tenant(
            tid=tenant["tid"],
            name=tenant["name"],
            cloud=tenant["cloud"],
            on=redirection_is_on(tenant["stage"], tenant["setting"]),
            since=now + tenant["since"],
            revision=tenant["revision"],
            step_back_since=(
                None if tenant["step_back_since"] is None else now + tenant["step_back_since"]
            ),
        )
        for tenant in world["tenants"]
        if tenant["enabled"]
    ]
    rules = [
        LinkRule(**rule | {"source": normal_source(rule["kind"], rule["source"])})
        for rule in world["rules"]
    ]
    return switches.Held(
        revision=len(tenants),
        by_tid={tenant.tid: tenant for tenant in tenants},
        by_name={tenant.name: tenant for tenant in tenants},
        stale=world.get("state") == "stale",
        rules=RuleSet(rules),
    )


def through_wsgi(application: Any, *, ascii_only: bool = False) -> Send:
    """Sends to a WSGI application as a server does (PEP 3333).

    ``ascii_only``: as granian does, which leaves a header empty that has a byte of 0x80 or more.
    """

    def send(sent: Sent) -> Received:
        started: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(status: str, headers: list[tuple[str, str]], *_: object) -> None:
            started.append((status, headers))

        environ = environ_of(_in_ascii(sent) if ascii_only else sent)
        body = application(environ, start_response)
        content = b"".join(body)
        getattr(body, "close", lambda: None)()
        [(status, headers)] = started
        return Received(
            int(status.partition(" ")[0]),
            [(name, value.strip()) for name, value in headers],
            content,
        )

    return send


def _in_ascii(sent: Sent) -> Sent:
    arrives = {name: value if value.isascii() else "" for name, value in sent.headers.items()}
    return replace(sent, headers=arrives)


def portal(sent: Sent) -> Received:
    """The legacy portal: a page for everything, and an answer that sends a form on."""
    if sent.method == "POST" and sent.target == "/save":
        return Received(303, [("Location", PORTAL_SENDS_ON)])
    return Received(200, [_PORTAL_SAYS], b"" if sent.method == "HEAD" else PORTAL_PAGE)


def gate_call(sent: Sent) -> Sent:
    """What a proxy asks the gate about a request."""
    told = {
        "Gatekey": GATE_KEY,
        "Gatemethod": sent.method,
        "Gatehost": sent.host,
        "Gatetarget": sent.target,
    }
    return Sent("GET", "gate.internal", "/redirection/gate", {**sent.headers, **told})


def behind_a_proxy(ask: Send) -> Send:
    """A proxy in front of ``portal`` that asks the gate with ``ask``, by docs/gate.md."""

    def send(sent: Sent) -> Received:
        if sent.target.startswith("/redirection/"):
            return ask(sent)
        decided = ask(gate_call(sent))
        decision = decided.header("Redirection-Decision")
        said = [(name.lower(), value) for name, value in decided.headers]
        cookies = [
            ("Set-Cookie", value) for name, value in said if name.startswith("redirection-cookie-")
        ]
        if decision is not None and decided.status in (302, 403):
            kept = ("location", "redirection-decision", "cache-control")
            headers = [header for header in said if header[0] in kept]
            return Received(302 if decided.status == 302 else 503, headers + cookies)
        if decided.status != 204:
            return portal(sent)
        answer = portal(sent)
        added = {
            "redirection-page-decision": "Redirection-Decision",
            "redirection-cache-control": "Cache-Control",
        }
        if 300 <= answer.status < 400:
            added["redirection-form-cookie"] = "Set-Cookie"
        headers = [(added[name], value) for name, value in said if name in added]
        return Received(answer.status, answer.headers + headers + cookies, answer.body)

    return send


def environ_of(sent: Sent) -> dict[str, Any]:
    """What a WSGI server makes of a request."""
    path, _, query = sent.target.partition("?")
    headers = {
        f"HTTP_{name.upper().replace('-', '_')}": value for name, value in sent.headers.items()
    }
    return {
        **headers,
        "CONTENT_TYPE": headers.pop("HTTP_CONTENT_TYPE", ""),
        "REQUEST_METHOD": sent.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path.encode("latin-1")).decode("latin-1"),
        "QUERY_STRING": query,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SERVER_SOFTWARE": "a server",
        "HTTP_HOST": sent.host,
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
    }
