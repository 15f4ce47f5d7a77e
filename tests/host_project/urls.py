"""Both portals in one URLconf."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template import RequestContext, Template
from django.urls import include, path

PAGE = """{% load redirection %}<!doctype html><html lang="en"><head>{% portal_script %}
<title>Old</title></head><body>{% legacy_banner %}<h1>{{ request.path }}</h1></body></html>"""


def page(request: HttpRequest, address: str = "") -> HttpResponse:
    return HttpResponse(Template(PAGE).render(RequestContext(request)))


urlpatterns = [
    path("admin/", admin.site.urls),
    path("", include("redirection.both_urls")),
    path("", page),
    path("<path:address>", page),
]
