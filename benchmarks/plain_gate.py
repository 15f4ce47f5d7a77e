"""A gate as one would write it first: a Django view, here without middleware and any question.

``benchmarks.sockets`` asks it beside the gate of this project. It answers "go" for every host
but fabrikam's, whatever the request.
"""

from __future__ import annotations

from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse
from django.urls import path


def plain_gate(request: HttpRequest) -> HttpResponse:
    """204 to stay, 401 with an address to go: what nginx takes for an answer."""
    if request.headers["Gatehost"].startswith("fabrikam."):
        return HttpResponse(status=204)
    response = HttpResponse(status=401)
    response["Redirection-Location"] = f"https://security.localhost{request.headers['Gatetarget']}"
    # As in the project: Django would write a line into the log for each of them.
    response._has_been_logged = True  # type: ignore[attr-defined]  # noqa: SLF001
    return response


urlpatterns = [path("redirection/gate", plain_gate)]
settings.configure(
    SECRET_KEY="known to everybody who reads this, and used for nothing",  # noqa: S106
    ALLOWED_HOSTS=["*"],
    MIDDLEWARE=[],
    ROOT_URLCONF=__name__,
)
application = WSGIHandler()
