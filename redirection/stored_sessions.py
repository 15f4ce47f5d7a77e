"""The sessions in the store: which of them are somebody's, and which have run out.

Drafts are in them (``unsent``), also in those of nobody: they begin where somebody's own ended.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.db.models import QuerySet
from django.utils import timezone

from redirection.models import Tenant
from redirection.unsent import owners_in

CHUNK = 500


def run_out() -> QuerySet[Any] | None:
    """Sessions whose time is over; None where sessions are not in the store."""
    sessions = _stored()
    return None if sessions is None else sessions.filter(expire_date__lt=timezone.now())


def end_sessions(people: Iterable[Any], tenant: Tenant | None = None) -> int:
    """End those of ``people``, and all in which something is kept that was typed by one of them,
    or for ``tenant``; how many. Where sessions are kept elsewhere, they run out there."""
    sessions = _stored()
    if sessions is None:
        return 0
    whose = {str(person.pk) for person in people}
    tid = str(tenant.tid) if tenant is not None else None
    ended = [
        session.pk
        for session in sessions.iterator(chunk_size=CHUNK)
        if _is_of(session.get_decoded(), whose, tid)
    ]
    for start in range(0, len(ended), CHUNK):
        sessions.filter(pk__in=ended[start : start + CHUNK]).delete()
    return len(ended)


def _stored() -> QuerySet[Any] | None:
    if settings.SESSION_ENGINE != "django.contrib.sessions.backends.db":
        return None
    store = import_module(settings.SESSION_ENGINE).SessionStore
    sessions: QuerySet[Any] = store.get_model_class().objects.all()
    return sessions


def _is_of(data: dict[str, Any], whose: set[str], tid: str | None) -> bool:
    if data.get(SESSION_KEY) in whose:
        return True
    kept_for = owners_in(data)
    return any(number in whose or (tid and tid == of_tenant) for number, of_tenant in kept_for)
