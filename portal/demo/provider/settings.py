"""Settings of the stand-in for Entra ID: a site of its own, for the demo on one machine."""

from __future__ import annotations

import os
from pathlib import Path

from csp.constants import NONE, SELF

from portal.environment import Environment

ENVIRONMENT = Environment()
ENVIRONMENT.load(Path(os.environ["ENV_FILE"]))

SECRET_KEY = ENVIRONMENT.text("DEMO_PROVIDER_SECRET_KEY", shortest=50)
DEMO_DIRECTORY = Path(ENVIRONMENT.text("DEMO_DIRECTORY"))
# The portals that may send people here; each has one callback.
DEMO_PORTALS = ENVIRONMENT.names("DEMO_PORTALS", (), r"http://[a-z0-9.:-]+", "origins")
ENTRA_AUTHORITY = ENVIRONMENT.origin("ENTRA_AUTHORITY", "http://127.0.0.1:8001")
ENTRA_CLIENT_ID = ENVIRONMENT.text("ENTRA_CLIENT_ID")
ENTRA_CLIENT_SECRET = ENVIRONMENT.text("ENTRA_CLIENT_SECRET")

# Loopback only, whatever address the server listens on.
ALLOWED_HOSTS = ["127.0.0.1"]
DEBUG = False
ROOT_URLCONF = "portal.demo.provider.urls"
WSGI_APPLICATION = "portal.demo.provider.wsgi.application"

INSTALLED_APPS = [
    "portal.demo.provider",
    "oauth2_provider",
    "csp",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
    }
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": DEMO_DIRECTORY / "provider.sqlite3",
        "OPTIONS": {"init_command": "PRAGMA journal_mode=WAL;", "transaction_mode": "IMMEDIATE"},
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

LOGIN_URL = "accounts"
SIGNING_KEY = (DEMO_DIRECTORY / "provider-key.pem").read_text()
OAUTH2_PROVIDER = {
    "OIDC_ENABLED": True,
    "OIDC_RSA_PRIVATE_KEY": SIGNING_KEY,
    # Tokens name the tenant's own issuer instead.
    "OIDC_ISS_ENDPOINT": f"{ENTRA_AUTHORITY}/organizations/v2.0",
    "OIDC_RP_INITIATED_LOGOUT_ENABLED": True,
    "OAUTH2_VALIDATOR_CLASS": "portal.demo.provider.tokens.EntraTokens",
    "SCOPES": {"openid": "Sign in", "profile": "Name", "offline_access": "Refresh tokens"},
    "ID_TOKEN_EXPIRE_SECONDS": 3600,
    "PKCE_REQUIRED": True,
    "COMPLIANT_BCP_RFC9700_PKCE_METHOD": True,
    "COMPLIANT_BCP_RFC9700_IMPLICIT_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PASSWORD_GRANT": True,
    "ALLOWED_REDIRECT_URI_SCHEMES": ["http"],
}

# Cookies ignore ports, so those of the portal must not be met here.
SESSION_COOKIE_NAME = "demo_entra_session"
CSRF_COOKIE_NAME = "demo_entra_csrf"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "style-src": [SELF],
        # The page that says somebody is signed out tells the portals in frames.
        "frame-src": DEMO_PORTALS,
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True
USE_TZ = True
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"stderr": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
}
