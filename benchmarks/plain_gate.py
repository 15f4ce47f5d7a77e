"""A gate as one would write it first: a Django view that asks the session, person and setting.

Served by ``benchmarks.gate`` beside the gate of this project. It answers as that one does where
redirection is on and no legacy session runs, or where it is off.
"""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse

from redirection.models import Tenant


@login_not_required
def plain_gate(request: HttpRequest) -> HttpResponse:
    """One query, by the name of the tenant in the host."""
    name = request.headers["Gatehost"].partition(".")[0]
    tenant = Tenant.objects.get(name=name)
    if tenant.setting != "on":
        return HttpResponse(status=204)
    response = HttpResponse(status=401)
    response["Redirection-Location"] = f"https://security.localhost{request.headers['Gatetarget']}"
    return response
