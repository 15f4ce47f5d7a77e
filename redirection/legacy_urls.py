"""What must live on the legacy hosts."""

from __future__ import annotations

from django.urls import path

from redirection import views

app_name = "redirection"
feedback = [
    path("redirection/feedback", views.give_feedback, name="feedback"),
    path("redirection/feedback/<int:number>", views.feedback_sent, name="feedback_sent"),
    path("redirection/feedback/<int:number>/screenshot", views.screenshot, name="screenshot"),
    path("redirection/my-feedback", views.my_feedback, name="my_feedback"),
]
# For whoever watches the processes, on every host.
health = [
    path("redirection/health", views.health, name="health"),
    path("redirection/ready", views.ready, name="ready"),
]
urlpatterns = [
    *feedback,
    *health,
    path("redirection/close-banner", views.close_banner, name="close_banner"),
    path("redirection/step-back", views.take_step_back, name="take_step_back"),
    path("redirection/end-step-back", views.end_step_back, name="end_step_back"),
    path("redirection/here", views.here, name="here"),
    path("redirection/lead-on", views.lead_on, name="lead_on"),
    path("redirection/page-seen", views.page_seen, name="page_seen"),
    # For portals that are not ours.
    path("redirection/state", views.state, name="state"),
]
