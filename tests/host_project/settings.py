"""Django's own user and middleware; HOST_SESSIONS and HOST_DATABASE come from the test."""

from __future__ import annotations

import os

from redirection.conf import DEFAULT_EXEMPT_PATHS

SECRET_KEY = "a-secret-key-that-is-known-to-everybody-who-reads-the-tests"
ALLOWED_HOSTS = [".localhost"]
ROOT_URLCONF = "tests.host_project.urls"
INSTALLED_APPS = [
    "redirection",
    "django_htmx",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]
MIDDLEWARE = [
    "tests.host_project.middleware.async_or_not",
    "django.middleware.security.SecurityMiddleware",
    "redirection.middleware.RedirectionMiddleware",
    "tests.host_project.middleware.async_or_not",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "redirection.context_processors.portal_names",
            ],
        },
    },
]
DATABASES = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ["HOST_DATABASE"]}
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = os.environ.get("HOST_USER", "auth.User")
if AUTH_USER_MODEL != "auth.User":
    INSTALLED_APPS.append("tests.host_project.members")
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "redirection.permissions.TenantRolesBackend",
]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
LOGIN_URL = "admin:login"
SESSION_ENGINE = f"django.contrib.sessions.backends.{os.environ['HOST_SESSIONS']}"
STATIC_URL = "/static/"
USE_TZ = True

REDIRECTION_CLOUDS = {
    "commercial": {"legacy": ["portal.localhost"], "destination": "http://new.localhost"},
}
REDIRECTION_LEGACY_NAME = "Old portal"
REDIRECTION_DESTINATION_NAME = "New portal"
REDIRECTION_ROLES_MAX_AGE = None
REDIRECTION_SESSION_COOKIE_SECURE = False
REDIRECTION_REFRESH = 0.1
REDIRECTION_EXEMPT_PATHS = [*DEFAULT_EXEMPT_PATHS, "/admin/"]
SECURE_REFERRER_POLICY = "strict-origin-when-cross-origin"
