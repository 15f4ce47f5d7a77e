"""The site's settings with the values the tests count on; nothing of the machine leaks in."""

from __future__ import annotations

import json
import os
from unittest import mock

_CLOUDS = {
    "commercial": {
        "legacy": ["portal.localhost", "old.localhost"],
        "destination": "http://security.localhost",
    },
    "gcc-high": {
        "legacy": ["portal.gov.localhost"],
        "destination": "http://security.gov.localhost",
    },
}
_ENVIRONMENT = {
    # A developer's own file stays out; programs started by tests get none of these.
    "ENV_FILE": os.devnull,
    "SECRET_KEY": "a-secret-key-that-is-known-to-everybody-who-reads-the-tests",
    "DATABASE_URL": "sqlite:///:memory:",
    "REDIRECTION_CLOUDS": json.dumps(_CLOUDS),
    "PORTAL_SAMPLE_PAGES": "on",
    "ENTRA_AUTHORITY": "https://login.microsoftonline.com",
    "ENTRA_CLIENT_ID": "client-id",
    "ENTRA_CLIENT_SECRET": "client-secret",
}

with mock.patch.dict(os.environ, _ENVIRONMENT, clear=True):
    from portal.settings import *  # noqa: F403

# No thread beside the tests: what a worker knows changes when a test says so.
REDIRECTION_REFRESH = 0

# pytest keeps the log of each test; a handler of the site would outlive its standard error.
LOGGING = {"version": 1, "disable_existing_loggers": False}

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# Static files come from where they are kept, under their own names.
STATIC_ROOT = None  # type: ignore[assignment]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_AUTOREFRESH = True
WHITENOISE_USE_FINDERS = True
