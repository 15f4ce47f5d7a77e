"""The smallest site around the decision: one view that returns a constant redirect."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import include, path


def constant(request: HttpRequest) -> HttpResponse:
    return HttpResponseRedirect("https://security.example.org/cloudapps/activity-log")


_redirection = [path("hand-over", constant, name="hand_over")]

urlpatterns = [
    path("", constant),
    path("audits", constant),
    path("api/v1/alerts", constant),
    path("redirection/", include((_redirection, "redirection"))),
]
