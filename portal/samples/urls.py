"""The sample destination. Comes before the redirection app, whose settings page it shares."""

from __future__ import annotations

from django.urls import path

from portal.samples import destination

urlpatterns = [
    path("", destination.page, name="sample_home"),
    path("cloudapps/settings", destination.settings_tab, name="sample_settings_tab"),
    *(
        path(address.removeprefix("/"), destination.page, name="sample_page")
        for address in destination.PATHS
        if address != "/"
    ),
]
