"""What somebody typed before the sign-in had to be asked again, kept in their session.

Used where a form cannot be accepted yet: the session ended, or the roles must be checked
again first. The form carries for whom and which tenant it was made, signed, so that nobody
else who signs in to the same browser afterwards is shown it.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from django.core import signing
from django.http import HttpRequest

from redirection.models import Tenant
from redirection.tallies import Tally

# The hidden field of a form that may have to be kept.
OWNER_FIELD = "unsent_owner"
# A line break arrives as two characters and is kept as one.
LONGEST_VALUE = 8000
# Seconds that a form is open at most.
_LONGEST_OPEN = 7 * 86400
# Forms that are kept for one that was made, by a process in an hour.
_MOST_KEPT = 20
_SALT = "redirection.unsent"
_kept = Tally(3600)


def owner(request: HttpRequest, tenant: Tenant) -> str:
    """The value of the hidden field: this person and this tenant, signed."""
    return signing.dumps(_owner(request, tenant), salt=_SALT)


def keep(request: HttpRequest, form: str, fields: Iterable[str], **more: str) -> None:
    """Keep the posted values of ``fields``, bounded, and ``more`` until ``take`` asks for ``form``.

    Of a form that was made for nobody nothing is kept: a stranger fills no store. Raises
    DatabaseError.
    """
    owner_token = request.POST.get(OWNER_FIELD, "")
    try:
        _made_for(owner_token)
    except signing.BadSignature:
        return
    # Without a session, each would begin one.
    if request.session.session_key is None and _kept.note(owner_token) > _MOST_KEPT:
        return
    names = (*fields, OWNER_FIELD)
    typed = {name: request.POST[name][:LONGEST_VALUE] for name in names if name in request.POST}
    request.session[_key(form)] = typed | more
    # Now, while the view can still answer for a store that fails.
    request.session.save()


def take(request: HttpRequest, form: str, tenant: Tenant) -> dict[str, str] | None:
    """What this person typed for this tenant, once; None if nothing, or it was not theirs."""
    typed: dict[str, str] = request.session.pop(_key(form), None) or {}
    try:
        made_for = _made_for(typed.pop(OWNER_FIELD, ""))
    except signing.BadSignature:
        return None
    return typed if made_for == _owner(request, tenant) else None


def is_own(request: HttpRequest) -> bool:
    """Whether the posted form was made for who posts it; while nobody is signed in, for anybody."""
    try:
        person, _ = _made_for(request.POST.get(OWNER_FIELD, ""))
    except signing.BadSignature:
        return False
    return not request.user.is_authenticated or person == str(request.user.pk)


def owners_in(session: dict[str, Any]) -> list[tuple[str, str]]:
    """Person and tenant, as numbers, of all that is kept in ``session``, however old it is."""
    kept = [value.get(OWNER_FIELD, "") for value in session.values() if isinstance(value, dict)]
    owners = []
    for token in kept:
        with suppress(signing.BadSignature):
            person, tid = signing.loads(token, salt=_SALT)
            owners.append((person, tid))
    return owners


def _made_for(token: str) -> list[Any]:
    made_for: list[Any] = signing.loads(token, salt=_SALT, max_age=_LONGEST_OPEN)
    return made_for


def _owner(request: HttpRequest, tenant: Tenant) -> list[Any]:
    return [str(request.user.pk), str(tenant.tid)]


def _key(form: str) -> str:
    return f"unsent_{form}"
