"""Which tenant a person works for on this page."""

from __future__ import annotations

from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.utils.translation import gettext as _

from redirection.conf import conf
from redirection.models import Tenant


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
            raise Http404 from None
    host = conf().legacy_hosts.parse(request.get_host())
    if host is not None and host.tenant is not None:
        named = known.filter(name=host.tenant).first()
        if named is None:
            raise Http404
        return named
    tenant = known.order_by("-role_snapshots__taken_at").first()
    if tenant is None:
        raise PermissionDenied(
            _("This account belongs to no organisation here. Sign in with a work account.")
        )
    return tenant
