"""Which sessions here came from which session at Entra ID, so that one ends with the other.

Matched by the ``sid`` claim on the server: the browser does not send the session cookie into a
frame of the provider (SameSite).
"""

from __future__ import annotations

from datetime import timedelta
from importlib import import_module
from typing import TypeGuard

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from portal.models import Person, ProviderSession
from portal.sign_in.identity import canonical_uuid

_LONGEST_SID = 200


def remember(request: HttpRequest, person: Person, sid: object) -> None:
    """Note that the session of ``request`` came from the session ``sid`` at Entra ID.

    Entra ID sends the claim only if the app registration asks for it; without it, nothing.
    """
    key, tid = request.session.session_key, canonical_uuid(person.username.partition(":")[0])
    if key is None or tid is None or not _is_sid(sid):
        return
    oldest = timezone.now() - timedelta(seconds=settings.PORTAL_SESSION_LIMIT)
    ProviderSession.objects.filter(created_at__lt=oldest).delete()
    ProviderSession.objects.update_or_create(
        session_key=key,
        defaults={"sid": sid, "tid": tid, "person": person, "created_at": timezone.now()},
    )


def end_with(request: HttpRequest) -> None:
    """End what came from the same session at Entra ID as this one: that of the other portal."""
    key = request.session.session_key
    own = ProviderSession.objects.filter(session_key=key).first() if key else None
    if own is not None:
        _end(ProviderSession.objects.filter(sid=own.sid, tid=own.tid))


def end_from_provider(sid: object, issuer: object) -> int:
    """End the sessions that came from ``sid`` of the tenant that ``issuer`` names; how many."""
    if not _is_sid(sid) or not isinstance(issuer, str):
        return 0
    tid = issuer.removeprefix(f"{settings.ENTRA_AUTHORITY}/").removesuffix("/v2.0")
    # Put together again, it is the issuer of the tenant and nothing else.
    if canonical_uuid(tid) != tid or issuer != f"{settings.ENTRA_AUTHORITY}/{tid}/v2.0":
        return 0
    return _end(ProviderSession.objects.filter(sid=sid, tid=tid))


def _is_sid(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and 0 < len(value) <= _LONGEST_SID and value.isprintable()


def _end(rows: QuerySet[ProviderSession]) -> int:
    store = import_module(settings.SESSION_ENGINE).SessionStore
    keys = list(rows.values_list("session_key", flat=True))
    for key in keys:
        store(key).delete()
    rows.delete()
    return len(keys)
