"""The site that plays vectors: this project's pages, and the legacy portal as a view of Django."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt

from tests.vectors.in_process import portal
from tests.vectors.runner import Sent


@csrf_exempt
def legacy_page(request: HttpRequest, address: str) -> HttpResponse:
    answered = portal(Sent(request.method or "", "", request.path, {}))
    return HttpResponse(answered.body, status=answered.status, headers=dict(answered.headers))


urlpatterns = [
    path("", include("redirection.both_urls")),
    path("", legacy_page, {"address": ""}),
    path("<path:address>", legacy_page),
]
