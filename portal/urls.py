"""The destination portal."""

from __future__ import annotations

from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView

from portal.language_choice import choose_language

urlpatterns: list[URLPattern | URLResolver] = [
    path("auth/", include("portal.sign_in.urls")),
    path("admin/", admin.site.urls),
    path("redirection/language", choose_language, name="choose_language"),
]
if settings.PORTAL_SAMPLE_PAGES:
    urlpatterns.append(path("", include("portal.samples.urls")))
else:
    home = RedirectView.as_view(pattern_name="redirection:settings")
    urlpatterns.append(path("", home, name="home"))
urlpatterns.append(path("", include("redirection.urls")))
