"""The legacy session: a visit to the legacy portal, kept in a signed cookie.

Value: ``<started>.<seen>.<signature>``, times in milliseconds since the epoch in hexadecimal,
signed together with the tenant. One cookie a tenant, named after it, so that a person who
works for two tenants keeps both visits.
"""

from __future__ import annotations

import base64
import hmac
import time
from collections.abc import Mapping
from uuid import UUID

from django.http import HttpResponseBase

from redirection import traffic
from redirection.conf import Conf
from redirection.decisions import LegacySession
from redirection.memories import Memory
from redirection.set_cookies import Cookie

_LONGEST = 100
# So many cookies are kept as they were verified.
_KEPT = 4096
# 128 bits of a SHA-256 HMAC; RFC 2104, 5 allows half the output.
_SIGNATURE_BYTES = 16


def cookie_name(conf: Conf, tid: str) -> str:
    """The cookie of the tenant ``tid``."""
    return conf.session_cookie_names[tid]


def read(conf: Conf, cookies: Mapping[str, str], tid: str) -> LegacySession | None:
    """The tenant's session, running or not; None where the cookie is missing or not ours."""
    name = conf.session_cookie_names[tid]
    if name not in cookies:
        return None
    value = cookies[name]
    if not value or len(value) > _LONGEST or not value.isascii():
        return None
    return _verified[conf.session_keys, tid, value]


def remembered_tenant(conf: Conf, cookies: Mapping[str, str]) -> str:
    """The ``tid`` of the tenant visited last, also after the browser was closed; else empty.

    It names the tenant on the domain without a tenant label. It is not signed: whoever
    changes it gets what the other tenant's own host gives anybody.
    """
    return cookies.get(conf.tenant_cookie, "")


def remembering(conf: Conf, tid: str, domain: str) -> Cookie:
    """The cookie that remembers the tenant visited for a year, for every host below ``domain``."""
    return Cookie(conf.tenant_cookie, tid, domain, conf.session_cookie_secure, 365 * 86400)


def remember_tenant(conf: Conf, response: HttpResponseBase, tid: str, domain: str) -> None:
    """Remember the tenant visited, see ``remembering``."""
    remembering(conf, tid, domain).put_on(response)


def is_due(conf: Conf, session: LegacySession, now: int) -> bool:
    """Whether the moment the session was seen should be written anew at ``now``."""
    return now - session.seen > conf.session_renew_after


def keeping(conf: Conf, session: LegacySession, domain: str) -> Cookie:
    """The session as a cookie for every host below ``domain``, until the browser closes."""
    payload = f"{session.started:x}.{session.seen:x}"
    signature = _signature(conf.session_keys[0], session.tid, payload)
    name = cookie_name(conf, session.tid)
    return Cookie(name, f"{payload}.{signature}", domain, conf.session_cookie_secure)


def write(conf: Conf, response: HttpResponseBase, session: LegacySession, domain: str) -> None:
    """Put the session on the answer, see ``keeping``."""
    keeping(conf, session, domain).put_on(response)


def end(conf: Conf, cookies: Mapping[str, str], response: HttpResponseBase, domain: str) -> None:
    """End every legacy session of this browser: what a sign-out does."""
    prefix = cookie_name(conf, "")
    for name in cookies:
        if name.startswith(prefix):
            response.delete_cookie(name, domain=domain, samesite="Lax")
            _count_end(conf, cookies, name.removeprefix(prefix))


def _count_end(conf: Conf, cookies: Mapping[str, str], name: str) -> None:
    try:
        tid = str(UUID(name))
    except ValueError:
        return
    session, now = read(conf, cookies, tid), time.time_ns() // 1_000_000
    if session and session.is_running(now, conf.session_idle * 1000, conf.session_limit * 1000):
        traffic.mark_end(tid, session.started, now)


def _session_in(asked: tuple[tuple[bytes, ...], str, str]) -> LegacySession | None:
    """The session in a cookie, by the keys, for a tenant."""
    keys, tid, value = asked
    payload, _, signature = value.rpartition(".")
    for key in keys:
        if hmac.compare_digest(signature, _signature(key, tid, payload)):
            started, _, seen = payload.partition(".")
            return LegacySession(tid, int(started, 16), int(seen, 16))
    return None


# Whoever works on the legacy portal brings the same cookie along for a minute. What is kept is
# whose it is and since when, never whether it still counts; and it is kept by keys and tenant.
_verified = Memory(_session_in, _KEPT)


def _signature(key: bytes, tid: str, payload: str) -> str:
    digest = hmac.digest(key, f"{tid}.{payload}".encode(), "sha256")
    return base64.urlsafe_b64encode(digest[:_SIGNATURE_BYTES]).rstrip(b"=").decode()
