"""Pages of the destination and of legacy hosts, for a project that serves both from one URLconf.

Include either this or, where each has a URLconf of its own, ``urls`` and ``legacy_urls``.
"""

from __future__ import annotations

from django.urls import path

from redirection import legacy_urls, urls, views

app_name = "redirection"
urlpatterns = [
    # Both have a page at this address: the host says which.
    path("redirection/step-back", views.step_back_by_host, name="step_back"),
    *urls.urlpatterns,
    *legacy_urls.urlpatterns,
]
