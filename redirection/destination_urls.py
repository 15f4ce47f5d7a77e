"""The addresses of the destination, for a project that only serves legacy hosts.

``REDIRECTION_DESTINATION_URLCONF = "redirection.destination_urls"``: the legacy portal links to
pages that another project serves, from its root.
"""

from __future__ import annotations

from django.urls import include, path

urlpatterns = [path("", include("redirection.urls"))]
