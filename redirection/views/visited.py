"""Which tenant a person works for on this page."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.utils.translation import gettext as _

from redirection import refusals
from redirection.conf import conf
from redirection.models import RoleSnapshot, Tenant
from redirection.permissions import VIEW_REDIRECTION, may
from redirection.refusals import What


def on_legacy(request: HttpRequest) -> bool:
    return conf().legacy_hosts.parse(request.get_host()) is not None


def named_by_host(request: HttpRequest) -> str | None:
    """The tenant of a legacy host; None where the host names none."""
    host = conf().legacy_hosts.parse(request.get_host())
    return host.tenant if host is not None else None


def base_of(request: HttpRequest) -> str:
    """The template around a page that both portals have."""
    return f"redirection/{'legacy_base' if on_legacy(request) else 'base'}.html"


def visited_tenant(request: HttpRequest, tid: str | None) -> Tenant:
    """The tenant ``tid`` names, else the legacy host, else the one signed in to last.

    Raises Http404 for a tenant the person has nothing to do with, known or not, and
    PermissionDenied for a person who belongs to none.
    """
    known = Tenant.objects.known_to(request.user)
    if tid:
        try:
            return known.get(tid=UUID(tid))
        except (ValueError, Tenant.DoesNotExist):
            refusals.record(request, What.OTHER_TENANT, asked=tid)
            raise Http404 from None
    host = conf().legacy_hosts.parse(request.get_host())
    if host is not None and host.tenant is not None:
        named = known.filter(name=host.tenant).first()
        if named is None:
            refusals.record(request, What.OTHER_TENANT, asked=host.tenant)
            raise Http404
        return named
    tenant = _signed_in_to_last(request.user) or known.order_by("name").first()
    if tenant is None:
        refusals.record(request, What.NO_TENANT)
        raise PermissionDenied(
            _("This account belongs to no organisation here. Sign in with a work account.")
        )
    return tenant


def tenant_to_see(request: HttpRequest, tid: str | None) -> Tenant:
    """The tenant visited, whose settings the person may see.

    Raises what ``visited_tenant`` does, and PermissionDenied without the role.
    """
    tenant = visited_tenant(request, tid)
    if not may(request.user, VIEW_REDIRECTION, tenant):
        raise refused(request, tenant)
    return tenant


def refused(request: HttpRequest, tenant: Tenant) -> PermissionDenied:
    """The error to raise: the refusal is noted, and it tells the person whom to ask."""
    reference = refusals.record(request, What.ROLE, tenant=tenant)
    return PermissionDenied(
        _(
            "Your roles in %(tenant)s do not allow this. Ask a Global, Security or Cloud App "
            "Security administrator. Reference: %(reference)s"
        )
        % {"tenant": tenant, "reference": reference}
    )


def tenants_shown(request: HttpRequest, tenant: Tenant) -> dict[str, Any]:
    """For the list in the page's header: the tenant shown, and the person's others."""
    others = Tenant.objects.known_to(request.user).exclude(pk=tenant.pk)
    return {"tenant": tenant, "other_tenants": others}


def _signed_in_to_last(person: Any) -> Tenant | None:
    snapshots = RoleSnapshot.objects.filter(person=person, tenant__enabled=True)
    newest = snapshots.order_by("-taken_at", "pk").select_related("tenant").first()
    return newest.tenant if newest else None
