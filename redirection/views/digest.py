"""Whether a person gets the summary of a tenant's reports by mail."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import get_language, gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from redirection.models import DigestSubscription
from redirection.views.visited import tenant_to_see


# A GET is somebody who signed in again, or reloads the answer to their form.
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def switch_digest(request: HttpRequest) -> HttpResponse:
    """Set how often the summary comes: ``every`` is a period, or empty for never."""
    page = reverse("redirection:reported")
    if request.method != "POST":
        return HttpResponseRedirect(page)
    tenant = tenant_to_see(request, request.POST.get("tid"))
    every = request.POST.get("every", "")
    if every not in ("", *DigestSubscription.Every.values):
        return HttpResponseBadRequest(_("Choose one."), content_type="text/plain; charset=utf-8")
    person: Any = request.user
    held = DigestSubscription.objects.filter(person=person, tenant=tenant)
    if not every:
        held.delete()
        messages.success(request, _("You get no summary by e-mail any more."))
    else:
        DigestSubscription.objects.update_or_create(
            person=person,
            tenant=tenant,
            defaults={"every": every, "language": get_language() or ""},
        )
        messages.success(request, _("You get the summary by e-mail, when something was reported."))
    return HttpResponseRedirect(f"{page}?tid={tenant.tid}")
