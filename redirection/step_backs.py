"""Stepping back: the legacy portal for one task, while redirection is on.

A person asks for it on the destination and is sent to the legacy portal with a grant, signed
and good for one use within a minute: the two portals share no cookie. There it becomes a
signed cookie, which keeps page loads of that browser on the tenant's legacy hosts until it
ends.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit
from uuid import UUID

from django.core import signing
from django.http import HttpResponseBase
from django.utils.encoding import iri_to_uri

from redirection.conf import Conf
from redirection.decisions import is_exempt
from redirection.set_cookies import Cookie

SHORTEST, LONGEST = 15, 8 * 60
# Seconds between the form and the legacy portal.
GRANT_SECONDS = 60
# A grant is this page and some more in base64, and common proxies take an address of 8,000.
LONGEST_PAGE = 5_500
_SALT = "redirection.step_backs"
_LONGEST_COOKIE = 200


@dataclass(frozen=True, slots=True)
class RunningStepBack:
    """One step back of a browser, with its random number; times in milliseconds since the epoch."""

    tid: str
    number: UUID
    started: int
    until: int

    def is_running(self, now: int, allowed_since: int | None) -> bool:
        """Whether it still runs at ``now``.

        ``allowed_since`` is when the tenant last allowed stepping back, None where it does
        not: forbidding it ends every one for good.
        """
        return allowed_since is not None and allowed_since <= self.started and now < self.until


@dataclass(frozen=True, slots=True)
class Grant:
    """What a person takes to the legacy portal: a step back, and the page to open there."""

    step_back: RunningStepBack
    page: str


class NoGrant(ValueError):
    """The text is no grant of this site, or it came too late."""


def signed_grant(grant: Grant) -> str:
    """``grant`` for an address, good for a minute."""
    running = grant.step_back
    content = [running.tid, running.number.hex, running.started, running.until, grant.page]
    return signing.dumps(content, salt=_SALT, compress=True)


def verified_grant(text: str) -> Grant:
    """The grant in ``text``. Raises NoGrant."""
    try:
        tid, number, started, until, page = signing.loads(text, salt=_SALT, max_age=GRANT_SECONDS)
    except signing.BadSignature as error:
        raise NoGrant from error
    return Grant(RunningStepBack(tid, UUID(number), started, until), page)


def cookie_name(conf: Conf, tid: str) -> str:
    """The cookie of the tenant ``tid``. ``__Secure-`` because it spans the tenant's hosts."""
    prefix = "__Secure-" if conf.session_cookie_secure else ""
    return f"{prefix}legacy_step_back_{tid.replace('-', '')}"


def read(conf: Conf, cookies: Mapping[str, str], tid: str) -> RunningStepBack | None:
    """The tenant's step back, running or not; None where the cookie is missing or not ours."""
    value = cookies.get(cookie_name(conf, tid), "")
    if not value or len(value) > _LONGEST_COOKIE:
        return None
    try:
        payload = _signer(tid).unsign(value)
    except signing.BadSignature:
        return None
    number, started, until = payload.split(".")
    return RunningStepBack(tid, UUID(number), int(started, 16), int(until, 16))


def keeping(conf: Conf, running: RunningStepBack, now: int, domain: str) -> Cookie:
    """It as a cookie for every host below ``domain``, until it ends."""
    payload = f"{running.number.hex}.{running.started:x}.{running.until:x}"
    value = _signer(running.tid).sign(payload)
    seconds = max((running.until - now) // 1000, 0)
    name = cookie_name(conf, running.tid)
    return Cookie(name, value, domain, conf.session_cookie_secure, seconds)


def write(
    conf: Conf, response: HttpResponseBase, running: RunningStepBack, now: int, domain: str
) -> None:
    """Put it on the answer, see ``keeping``."""
    keeping(conf, running, now, domain).put_on(response)


def end(conf: Conf, response: HttpResponseBase, tid: str, domain: str) -> None:
    """Take it out of the browser."""
    response.delete_cookie(cookie_name(conf, tid), domain=domain, samesite="Lax")


def end_all(
    conf: Conf, cookies: Mapping[str, str], response: HttpResponseBase, domain: str
) -> None:
    """Take every tenant's out of the browser: what a sign-out does."""
    prefix = cookie_name(conf, "")
    for name in cookies:
        if name.startswith(prefix):
            response.delete_cookie(name, domain=domain, samesite="Lax")


def own_page(value: object, exempt_paths: tuple[str, ...], longest: int = LONGEST_PAGE) -> str:
    """``value`` as the address of a legacy page, percent-encoded, or "/" if it is none.

    A path on the host that serves it, with query and fragment. No second slash, no backslash
    and no control character, which browsers read as the start of a host, or drop (URL standard,
    "basic URL parser"); no path that is no page. Where it is too long, it loses its filters.
    """
    if not isinstance(value, str) or not value.startswith("/") or value.startswith("//"):
        return "/"
    if "\\" in value or any(unicodedata.category(character)[0] == "C" for character in value):
        return "/"
    page = iri_to_uri(value)
    if is_exempt(page.partition("#")[0].partition("?")[0], exempt_paths):
        return "/"
    address, hash_sign, fragment = page.partition("#")
    without_filters = address.partition("?")[0] + hash_sign + fragment.partition("?")[0]
    return next((text for text in (page, without_filters) if len(text) <= longest), "/")


def legacy_origin(conf: Conf, cloud: str, name: str) -> str | None:
    """The origin of the legacy host of the tenant ``name``; None for a cloud not configured.

    Scheme and port are those of the destination, which is served by the same site.
    """
    entry = conf.clouds.get(cloud)
    if entry is None:
        return None
    destination = urlsplit(entry["destination"])
    port = f":{destination.port}" if destination.port else ""
    return f"{destination.scheme}://{name}.{entry['legacy'][0]}{port}"


def _signer(tid: str) -> signing.Signer:
    # Signed together with the tenant; former keys (SECRET_KEY_FALLBACKS) still count.
    return signing.Signer(salt=f"{_SALT}:{tid}")
