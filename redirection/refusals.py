"""Refused attempts: logged at once, and kept for operators, written behind the requests.

A request costs a line of the log and an entry in memory. ``write_refusals()`` is called every few
seconds by the thread of a worker that reports, and when the worker ends; a crash loses what came
since, but for the log.
"""

from __future__ import annotations

import ipaddress
import logging
import os
import secrets
import threading
from datetime import timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db.models import F
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import LazyObject

logger = logging.getLogger(__name__)

# The same again so soon is counted in the row that is there.
SAME = timedelta(seconds=60)
# Held apart until they are written, and new rows a minute: no attack fills memory or the store.
MOST_HELD = 500
MOST_A_MINUTE = 20
_RECORDED = "_redirection_refusal"


class What(StrEnum):
    """The kinds of refusal."""

    ROLE = "role"
    ROLES_TOO_OLD = "roles_too_old"
    NO_TENANT = "no_tenant"
    OTHER_TENANT = "other_tenant"
    FORM = "form_out_of_date"
    DENIED = "denied"


class _Attempt(NamedTuple):
    person: int | None
    who: str
    tenant: int | None
    tenant_asked: str
    what: str
    method: str
    path: str
    address: str | None


_lock = threading.Lock()
# When it was first seen, its reference and how often.
_held: dict[_Attempt, tuple[Any, str, int]] = {}
_dropped = 0
# When the running minute began, and how many rows it has.
_minute: tuple[Any, int] = (None, 0)


def record(
    request: HttpRequest, what: What, *, tenant: Any = None, asked: str = "", because: str = ""
) -> str:
    """Note that the request was refused; returns the reference that stands in the log.

    ``asked`` is what was given for a tenant id. A request is noted once, whoever notes it first.
    Never raises for what a request may contain, and never asks the store.
    """
    global _dropped
    noted: str = getattr(request, _RECORDED, "")
    if noted:
        return noted
    reference = secrets.token_hex(4)
    setattr(request, _RECORDED, reference)
    person = _known(request)
    attempt = _Attempt(
        person=person.pk if person else None,
        who=_clean(person.get_username() if person else "", 150),
        tenant=tenant.pk if tenant is not None else None,
        tenant_asked=_clean(asked, 64),
        what=what.value,
        method=_clean(request.method or "", 10),
        path=_clean(request.path, 200),
        address=address_of(request),
    )
    logger.warning(
        "Refused: reference=%s %s %s for %s by %s from %s: %s%s",
        reference, attempt.method, attempt.path,
        tenant.name if tenant is not None else attempt.tenant_asked or "nobody",
        attempt.who or "nobody", attempt.address, what.value,
        f" ({_clean(because, 200)})" if because else "",
    )  # fmt: skip
    with _lock:
        at, first, times = _held.get(attempt, (timezone.now(), reference, 0))
        if times == 0 and len(_held) >= MOST_HELD:
            _dropped += 1
        else:
            _held[attempt] = (at, first, times + 1)
    return reference


def address_of(request: HttpRequest) -> str | None:
    """The address the request came from; None where the server names none.

    Behind a proxy (SECURE_PROXY_SSL_HEADER) it is the last one of X-Forwarded-For: the proxy
    has added it, what stands before may come from anybody.
    """
    found = request.META.get("REMOTE_ADDR", "")
    if settings.SECURE_PROXY_SSL_HEADER:
        found = request.META.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2].strip() or found
    try:
        return str(ipaddress.ip_address(found))
    except ValueError:
        return None


def write_refusals() -> None:
    """Write what was noted since. Raises DatabaseError; then it is kept for the next call."""
    global _held, _dropped
    with _lock:
        taken, dropped = _held, _dropped
        _held, _dropped = {}, 0
    left = dict(taken)
    try:
        for attempt, (at, reference, times) in taken.items():
            dropped += _write(attempt, at, reference, times)
            del left[attempt]
    finally:
        with _lock:
            for attempt, (at, reference, times) in left.items():
                _held[attempt] = (at, reference, times + _held.get(attempt, (at, "", 0))[2])
    if dropped:
        logger.warning("%d refusals stand in the log only: too many at once", dropped)


def forget() -> None:
    """Back to the state of a process that has just started."""
    global _lock, _dropped, _minute
    # A lock may have been held by a thread that a forked child does not have.
    _lock = threading.Lock()
    _held.clear()
    _dropped, _minute = 0, (None, 0)


def _write(attempt: _Attempt, at: Any, reference: str, times: int) -> int:
    """Write one; how many attempts had no place any more."""
    global _minute
    from redirection.models import Refusal, Tenant  # models need the app registry

    values = attempt._asdict()
    person, tenant = values.pop("person"), values.pop("tenant")
    if person and _name_of(person) != attempt.who:
        # Erased meanwhile: what is forgotten does not come back.
        return 0
    same = Refusal.objects.filter(
        at__gte=at - SAME, at__lte=at, person=person, tenant=tenant, **values
    ).order_by("-at")
    newest = same.values_list("pk", flat=True).first()
    if newest is not None:
        Refusal.objects.filter(pk=newest).update(times=F("times") + times)
        return 0
    began, rows = _minute
    now = timezone.now()
    if began is None or not timedelta(0) <= now - began < SAME:
        began, rows = now, 0
    if rows >= MOST_A_MINUTE:
        return times
    _minute = (began, rows + 1)
    # The tenant may be gone meanwhile, and what is noted about it is not.
    Refusal.objects.create(
        at=at,
        person_id=person,
        tenant=Tenant.objects.filter(pk=tenant).first() if tenant else None,
        reference=reference,
        times=times,
        **values,
    )
    return 0


def _name_of(number: int) -> str | None:
    people: Any = get_user_model()
    named = people.objects.filter(pk=number).values_list(people.USERNAME_FIELD, flat=True)
    name: str | None = named.first()
    return None if name is None else _clean(name, 150)


def _known(request: HttpRequest) -> Any:
    """Who is signed in, where that is known already; None for nobody."""
    person = getattr(request, "user", None)
    if isinstance(person, LazyObject):
        # Asking it could ask the store.
        person = getattr(request, "_cached_user", None)
    return person if person is not None and person.is_authenticated else None


def _clean(text: str, length: int) -> str:
    """``text`` as it is stored: one line, whole characters, no longer than the column."""
    from redirection.models.reasons import one_line

    return one_line(text.encode(errors="replace").decode())[:length]


os.register_at_fork(after_in_child=forget)
