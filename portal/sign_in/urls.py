"""The addresses of the sign-in, the same on both portals."""

from __future__ import annotations

from django.urls import include, path
from social_django import views as social

from portal.sign_in import views

# Of the library's addresses only the two that a sign-in needs, under its own names.
_social = [
    path("login/<str:backend>/", social.auth, name="begin"),
    path("complete/<str:backend>/", views.complete, name="complete"),
]

urlpatterns = [
    path("sign-in", views.sign_in, name="sign_in"),
    path("sign-out", views.sign_out, name="sign_out"),
    path("signed-out", views.signed_out, name="signed_out"),
    path("check-roles", views.check_roles, name="check_roles"),
    path("front-channel-logout", views.front_channel_logout, name="front_channel_logout"),
    path("", include((_social, "social"))),
]
