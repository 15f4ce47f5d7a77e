"""``has_perm(permission, tenant)`` answered from the role table.

A permission counts for one tenant only, and only what the roles there give: being a
superuser of the site does not make anybody an administrator of a tenant.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib.auth import get_backends
from django.contrib.auth.backends import ModelBackend
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.utils import timezone

from redirection.conf import conf
from redirection.models import LocalRole, RoleSnapshot, Tenant
from redirection.roles import Access, access

VIEW_REDIRECTION = "redirection.view_redirection"
SWITCH_REDIRECTION = "redirection.switch_redirection"
NEEDED = {VIEW_REDIRECTION: Access.SEE, SWITCH_REDIRECTION: Access.SWITCH}


class TenantRolesBackend(ModelBackend):
    """Permissions on a tenant. Signs nobody in."""

    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> None:  # type: ignore[override]
        return None

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        if not isinstance(obj, Tenant) or perm not in NEEDED:
            return False
        return access_in(obj, user_obj) >= NEEDED[perm]


def may(person: Any, permission: str, tenant: Tenant) -> bool:
    """Whether ``person`` has ``permission`` on ``tenant``, as a backend of the site says.

    Not ``person.has_perm()``: Django's own user answers yes for every superuser.
    """
    backends = [backend for backend in get_backends() if hasattr(backend, "has_perm")]
    return any(backend.has_perm(person, permission, tenant) for backend in backends)


class RolesTooOld(PermissionDenied):
    """The roles were asked for too long ago to change anything: ask again first."""


def require_fresh_roles(person: Any, tenant: Tenant) -> None:
    """Raises RolesTooOld unless the person's roles are fresh enough for a change there.

    Facts on sign-in, "Roles": a snapshot carries its time. What the directory gives counts in
    its own tenant only. A local role needs a fresh snapshot as well, of whichever tenant the
    person signs in to: it shows that the directory still lets them in. Where there is no
    directory (REDIRECTION_ROLES_MAX_AGE is None), a local role counts as long as it is there.
    """
    max_age = conf().roles_max_age
    if max_age is None:
        return
    oldest = timezone.now() - timedelta(seconds=max_age)
    fresh = RoleSnapshot.objects.filter(person=person, taken_at__gte=oldest)
    if fresh.filter(tenant=tenant).exists():
        return
    local = LocalRole.objects.filter(person=person, tenant=tenant).first()
    if local is None or access((), local.role) is not Access.SWITCH or not fresh.exists():
        raise RolesTooOld


def require_may_change(tenant: Tenant, author: Any, operator: str) -> None:
    """Raises unless the tenant may be changed by ``author``, or by a named operator's shell.

    PermissionDenied for a person who may not switch there, and where nobody is named;
    RolesTooOld if the person's roles must be asked for again first.
    """
    if author is None:
        if not operator:
            raise PermissionDenied
        return
    if not TenantRolesBackend().has_perm(author, SWITCH_REDIRECTION, tenant):
        raise PermissionDenied
    require_fresh_roles(author, tenant)


def access_in(tenant: Tenant, person: Any) -> Access:
    """What ``person`` may do in ``tenant`` now, read afresh from the store (2 queries)."""
    if not person.is_active or not person.is_authenticated or not tenant.enabled:
        return Access.NOTHING
    snapshot = RoleSnapshot.objects.filter(person=person, tenant=tenant).first()
    local = LocalRole.objects.filter(person=person, tenant=tenant).first()
    return access(snapshot.directory_roles if snapshot else (), local.role if local else None)
