"""For whoever watches the processes: does one answer, and does it know enough to decide?"""

from __future__ import annotations

from http import HTTPStatus

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from redirection import switches


# A monitor is nobody who signs in. No query: what is asked every second may not load the store.
@login_not_required
@never_cache
@require_safe
def health(request: HttpRequest) -> HttpResponse:
    """Liveness: the process answers. Nothing else is looked at."""
    return HttpResponse("ok\n", content_type="text/plain; charset=utf-8")


@login_not_required
@never_cache
@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """Readiness: 200 where the settings of all tenants are loaded and fresh, else 503.

    Says which revision the process holds, and whether it is stale. A stale process still
    decides, by what it knows.
    """
    held = switches.held()
    stale = switches.is_stale()
    is_ready = held.loaded and not stale
    return JsonResponse(
        {"ready": is_ready, "loaded": held.loaded, "stale": stale, "revision": held.revision},
        status=HTTPStatus.OK if is_ready else HTTPStatus.SERVICE_UNAVAILABLE,
    )
