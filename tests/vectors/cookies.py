"""The cookies of a vector, signed by the recipe in docs/adapters.md and not by this project."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from typing import Any

Json = dict[str, Any]
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SESSION = re.compile(r"([0-9a-f]+)\.([0-9a-f]+)\.[\w-]{22}")


def cookie_header(cookies: list[Json], settings: Json, now: int) -> str:
    """The Cookie header of a request at ``now``, in milliseconds since the epoch."""
    return "; ".join(_pair(cookie, settings, now) for cookie in cookies)


def session_times(value: str) -> tuple[int, int] | None:
    """When a legacy session in a cookie began and was seen; None where it is none."""
    found = _SESSION.fullmatch(value)
    return (int(found[1], 16), int(found[2], 16)) if found else None


def session_value(tid: str, started: int, seen: int, secret: str) -> str:
    """A legacy session, signed."""
    key = hashlib.sha256(b"redirection.legacy_sessions:" + secret.encode()).digest()
    payload = f"{started:x}.{seen:x}"
    digest = hmac.new(key, f"{tid}.{payload}".encode(), hashlib.sha256).digest()
    return f"{payload}.{_base64(digest[:16])}"


def _pair(cookie: Json, settings: Json, now: int) -> str:
    secure, host = ("__Secure-", "__Host-") if settings["secure"] else ("", "")
    secret = cookie.get("secret_key", settings["secret_key"])
    match cookie:
        case {"raw": text}:
            return str(text)
        case {"session": tid, "started": started, "seen": seen}:
            signed_for = cookie.get("signed_for", tid)
            value = session_value(signed_for, now + started, now + seen, secret)
            value = value.replace(*cookie.get("forged", ("", "")), 1)
            return f"{secure}{settings['session_cookie']}_{tid.replace('-', '')}={value}"
        case {"tenant": tid}:
            return f"{secure}legacy_tenant={tid}"
        case {"step_back": tid, "number": number, "started": started, "until": until}:
            payload = f"{number}.{now + started:x}.{now + until:x}"
            salt = f"redirection.step_backs:{tid}"
            name = f"{secure}legacy_step_back_{tid.replace('-', '')}"
            return f"{name}={payload}:{_signature(salt, payload, secret)}"
        case {"returns": count}:
            return f"{host}legacy_returns={count}"
        case {"form": age}:
            payload = f"form:{_base62((now + age) // 1000)}"
            signature = _signature("redirection.form_chains", payload, secret)
            return f"{host}legacy_form={payload}:{signature}"
    raise ValueError(cookie)


def _signature(salt: str, payload: str, secret: str) -> str:
    key = hashlib.sha256(f"{salt}signer{secret}".encode()).digest()
    return _base64(hmac.new(key, payload.encode(), hashlib.sha256).digest())


def _base64(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _base62(number: int) -> str:
    digits = ""
    while number:
        number, rest = divmod(number, 62)
        digits = _DIGITS[rest] + digits
    return digits
