"""A legacy session cookie as somebody pastes it: whose it is, and what its signature says."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from django.http import HttpResponse

from redirection import legacy_sessions
from redirection.conf import Conf
from redirection.decisions import LegacySession


class Signature(StrEnum):
    """Which key signed a cookie: the one in use, a former one, or none of this site's."""

    CURRENT = "current"
    FALLBACK = "fallback"
    NOT_OURS = "not_ours"


@dataclass(frozen=True, slots=True)
class PastedSession:
    """A pasted cookie. ``tid`` is the tenant its name or the question names, or empty.

    ``session`` is None unless the signature is right. ``value`` is somebody's session: it is
    never shown and never written to a log.
    """

    name: str
    value: str
    tid: str
    signature: Signature
    session: LegacySession | None

    def __repr__(self) -> str:
        return f"PastedSession({self.name}, {self.signature})"


def pasted_session(text: str, tid: str, settings: Conf) -> PastedSession:
    """``text`` (``name=value`` or the value alone) verified; alone it is one of tenant ``tid``."""
    name, separator, value = text.strip().removesuffix(";").rpartition("=")
    if separator and (named := _tenant_of(name.strip(), settings)):
        tid = named
    value = value.strip()
    name = legacy_sessions.cookie_name(settings, tid)
    session = legacy_sessions.read(settings, {name: value}, tid)
    return PastedSession(name, value, tid, _signature(session, name, value, settings), session)


def _tenant_of(name: str, settings: Conf) -> str:
    """The tenant id a cookie's name ends in; empty where it is no name of a session cookie."""
    # Copied from another site of the same portal, the prefix may differ.
    _, found, digits = name.partition(f"{settings.session_cookie}_")
    try:
        return str(UUID(digits)) if found else ""
    except ValueError:
        return ""


def _signature(session: LegacySession | None, name: str, value: str, settings: Conf) -> Signature:
    if session is None:
        return Signature.NOT_OURS
    # Written anew it is signed with the key in use.
    response = HttpResponse()
    legacy_sessions.write(settings, response, session, "")
    return Signature.CURRENT if response.cookies[name].value == value else Signature.FALLBACK
