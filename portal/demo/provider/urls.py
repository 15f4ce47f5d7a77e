"""The addresses of Entra ID, version 2.0."""

from __future__ import annotations

from django.urls import path

from portal.demo.provider import views

urlpatterns = [
    path("", views.accounts, name="accounts"),
    path("roles", views.change_roles, name="roles"),
    path("sign-out", views.sign_out, name="sign_out"),
    path("<str:tenant>/oauth2/v2.0/authorize", views.Authorize.as_view(), name="authorize"),
    path("<str:tenant>/oauth2/v2.0/token", views.Token.as_view(), name="token"),
    path("<str:tenant>/oauth2/v2.0/logout", views.Logout.as_view(), name="logout"),
    path("<str:tenant>/discovery/v2.0/keys", views.keys, name="keys"),
    path("<str:tenant>/v2.0/.well-known/openid-configuration", views.configuration),
]
