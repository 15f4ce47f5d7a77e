"""Pages on the destination. Hosts of the legacy portal get ``legacy_urls``."""

from __future__ import annotations

from django.apps import apps
from django.urls import path

from redirection import legacy_urls, views

app_name = "redirection"
urlpatterns = [
    # The address of the document.
    path("cloudapps/settings", views.settings_page, name="settings"),
    path(
        "cloudapps/settings/switch-redirection",
        views.switch_redirection,
        name="switch_redirection",
    ),
    path("cloudapps/settings/receipt", views.receipt, name="receipt"),
    path("cloudapps/settings/redirection-history", views.history_page, name="history"),
    path(
        "cloudapps/settings/redirection-history/export",
        views.export_history,
        name="export_history",
    ),
    path("cloudapps/settings/reported", views.reported, name="reported"),
    path(
        "cloudapps/settings/reported/<int:number>",
        views.reported_trouble,
        name="reported_trouble",
    ),
    path("cloudapps/settings/reported/export", views.export_reported, name="export_reported"),
    path("cloudapps/settings/try-link", views.try_link, name="try_link"),
    path("cloudapps/permissions/roles", views.roles_page, name="roles"),
    path(
        "cloudapps/permissions/roles/give-local-role",
        views.give_local_role,
        name="give_local_role",
    ),
    path("cloudapps/settings/switch-digest", views.switch_digest, name="switch_digest"),
    path("cloudapps/settings/step-back", views.step_back_setting, name="step_back_setting"),
    path(
        "cloudapps/settings/switch-step-back",
        views.switch_step_back,
        name="switch_step_back",
    ),
    path("redirection/step-back", views.step_back, name="step_back"),
    path("redirection/hand-over", views.hand_over, name="hand_over"),
    path("redirection/go", views.go, name="go"),
    path("redirection/way-back", views.way_back, name="way_back"),
    *legacy_urls.feedback,
    *legacy_urls.health,
]
if apps.is_installed("django.contrib.admin"):
    # One of the operator pages.
    urlpatterns.append(path("redirection/explain", views.explain_decision, name="explain"))
