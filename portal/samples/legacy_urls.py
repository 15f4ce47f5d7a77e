"""The sample legacy portal. Comes last: it takes every path the route table knows."""

from __future__ import annotations

from django.urls import path, re_path

from portal.samples import legacy

urlpatterns = [
    path("", legacy.shell, name="sample_legacy_home"),
    path("notes", legacy.add_note, name="sample_note"),
    # Facts on the portals, "Not pages".
    re_path(r"^(?:api|cas|oauth2|saml)/", legacy.not_a_page, name="sample_not_a_page"),
    path("<path:route>", legacy.shell, name="sample_legacy_page"),
]
