"""To whom stepping back is offered, and where the way begins."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse

from redirection import switches
from redirection.conf import conf
from redirection.decisions import Tenant
from redirection.models import Tenant as TenantRow


def is_offered(tenant: Tenant | None) -> bool:
    """Whether there is something to step back from, and the tenant allows it. No query."""
    return (
        tenant is not None
        and tenant.on
        and tenant.step_back_since is not None
        and conf().destination(tenant.cloud) is not None
    )


def offer(request: HttpRequest, tid: str, page: str) -> str:
    """Address of the page that asks for the legacy ``page``; "" where it is not offered.

    ``tid`` came with a redirect of that tenant. Whoever is not signed in is offered what the
    tenant's people are, and has to sign in as one of them.
    """
    if not is_offered(switches.held().by_tid.get(tid)):
        return ""
    if _is_signed_in(request) and tid not in _known(request):
        return ""
    return _address(tid, page)


def offer_here(request: HttpRequest) -> str:
    """The same on any page of the destination, for people signed in and their own tenants.

    The tenant is the one the address names, else the first of theirs that allows it. The page
    is found when somebody asks: it is the old one of the page they are ``at``.
    """
    if not _is_signed_in(request):
        return ""
    tenants = switches.held().tenants
    held = tenants.by_tid
    # Where nobody allows it, nothing is asked.
    if not any(kind.on and kind.steps_back for kind in tenants.kinds):
        return ""
    named = request.GET.get("tid", "").lower()
    offered = [
        tid for tid in _known(request) if is_offered(held.get(tid)) and (not named or tid == named)
    ]
    if not offered:
        return ""
    about = request.GET.get("about") or request.get_full_path()
    # Only an address of the legacy portal was written down with the part behind "#".
    return _address(offered[0], about, "page" if "#" in about else "at")


def _is_signed_in(request: HttpRequest) -> bool:
    person = getattr(request, "user", None)
    return person is not None and person.is_authenticated


def _known(request: HttpRequest) -> list[str]:
    known = TenantRow.objects.known_to(request.user).order_by("name")
    return [str(tid) for tid in known.values_list("tid", flat=True)]


def _address(tid: str, page: str, name: str = "page") -> str:
    return f"{reverse('redirection:step_back')}?{urlencode({name: page, 'tid': tid})}"
