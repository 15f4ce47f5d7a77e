"""The hosts of the legacy portal."""

from __future__ import annotations

from django.conf import settings
from django.urls import URLPattern, URLResolver, include, path

from portal.language_choice import choose_language

urlpatterns: list[URLPattern | URLResolver] = [
    path("auth/", include("portal.sign_in.urls")),
    path("redirection/language", choose_language, name="choose_language"),
    path("", include("redirection.legacy_urls")),
]
if settings.PORTAL_SAMPLE_PAGES:
    urlpatterns.append(path("", include("portal.samples.legacy_urls")))
