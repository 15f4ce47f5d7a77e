"""Settings of the site. What an operator may choose stands in docs/configuration.md."""

from __future__ import annotations

import os
from pathlib import Path

from portal import languages
from portal.cloud_origins import CloudOrigins
from portal.content_security_policy import content_security_policy
from portal.environment import Environment
from portal.log import one_line_each
from portal.passwords import VALIDATORS
from portal.sign_in.steps import SIGN_IN_STEPS
from portal.store import with_options
from redirection.clouds import DEFAULT_CLOUDS, cloud_problems
from redirection.conf import DEFAULT_EXEMPT_PATHS, DEFAULT_REGIONS, GATE_KEY, GATE_KEYS

BASE_DIR = Path(__file__).resolve().parent.parent

ENVIRONMENT = Environment()
ENVIRONMENT.load(Path(os.environ.get("ENV_FILE") or BASE_DIR / ".env"))

# --- What this site is -------------------------------------------------------------------

SECRET_KEY = ENVIRONMENT.text("SECRET_KEY", shortest=50)
SECRET_KEY_FALLBACKS = ENVIRONMENT.names(
    "SECRET_KEY_FALLBACKS", (), r"[^,]{50,}", "former secret keys of at least 50 characters"
)
DEBUG = ENVIRONMENT.boolean("DEBUG", False)

REDIRECTION_CLOUDS = ENVIRONMENT.json(
    "REDIRECTION_CLOUDS",
    DEFAULT_CLOUDS,
    'JSON such as {"commercial": {"legacy": ["portal.example.com"], '
    '"destination": "https://security.example.com"}}',
    cloud_problems,
)
REDIRECTION_REGIONS = ENVIRONMENT.names(
    "REDIRECTION_REGIONS", DEFAULT_REGIONS, r"[a-z0-9-]{1,63}", "host name labels"
)
REDIRECTION_EXEMPT_PATHS = ENVIRONMENT.names(
    "REDIRECTION_EXEMPT_PATHS", DEFAULT_EXEMPT_PATHS, r"/[^\s,]+", "paths that begin with /"
)
REDIRECTION_SESSION_IDLE = ENVIRONMENT.whole_seconds("REDIRECTION_SESSION_IDLE", 3600, 1, 604800)
REDIRECTION_SESSION_LIMIT = ENVIRONMENT.whole_seconds(
    "REDIRECTION_SESSION_LIMIT", 43200, 1, 30 * 86400
)
# The longest that a change takes to a worker which hears no push.
REDIRECTION_REFRESH = ENVIRONMENT.seconds("REDIRECTION_REFRESH", 0.5, 0.05, 4)
REDIRECTION_REDIS_URL = ENVIRONMENT.address(
    "REDIS_URL", "", ("redis", "rediss"), "redis://HOST:PORT/NUMBER, or rediss:// with TLS"
)
REDIRECTION_REPORT = ENVIRONMENT.seconds("REDIRECTION_REPORT", 3, 0.2, 10)
REDIRECTION_TRAFFIC_DAYS = ENVIRONMENT.days("REDIRECTION_TRAFFIC_DAYS", 400, 31, 4000)
REDIRECTION_FEEDBACK_PER_PERSON = ENVIRONMENT.number(
    "REDIRECTION_FEEDBACK_PER_PERSON", 20, 1, 100_000
)
REDIRECTION_FEEDBACK_PER_TENANT = ENVIRONMENT.number(
    "REDIRECTION_FEEDBACK_PER_TENANT", 500, 1, 100_000
)
REDIRECTION_FEEDBACK_DAYS = ENVIRONMENT.days("REDIRECTION_FEEDBACK_DAYS", 730, 31, 4000)
REDIRECTION_REFUSAL_DAYS = ENVIRONMENT.days("REDIRECTION_REFUSAL_DAYS", 90, 1, 4000)
REDIRECTION_MESSAGE_DAYS = ENVIRONMENT.days("REDIRECTION_MESSAGE_DAYS", 30, 7, 4000)
# Off: webhooks reach public addresses only, and over https.
REDIRECTION_WEBHOOKS_INSIDE = ENVIRONMENT.boolean("REDIRECTION_WEBHOOKS_INSIDE", False)
# A change needs roles at most this old; older ones are asked for again first.
REDIRECTION_ROLES_MAX_AGE = ENVIRONMENT.whole_seconds("REDIRECTION_ROLES_MAX_AGE", 900, 1, 86400)
# A proxy in front of a portal that is not ours asks the gate with this key (docs/gate.md).
REDIRECTION_GATE_KEY = ENVIRONMENT.names("REDIRECTION_GATE_KEY", (), GATE_KEY, GATE_KEYS)
REDIRECTION_CHECK_ROLES_URL = "check_roles"
REDIRECTION_INVITE = "portal.invitations.invite"
REDIRECTION_LEGACY_NAME = ENVIRONMENT.text(
    "REDIRECTION_LEGACY_NAME", "Microsoft Defender for Cloud Apps"
)
REDIRECTION_DESTINATION_NAME = ENVIRONMENT.text(
    "REDIRECTION_DESTINATION_NAME", "Microsoft 365 Defender"
)

# Sample pages of both portals, so that the whole journey can be seen on one machine.
PORTAL_SAMPLE_PAGES = ENVIRONMENT.boolean("PORTAL_SAMPLE_PAGES", False)
# The sample destination shows a notice itself; a foreign one gets our page in between.
REDIRECTION_DESTINATION_SHOWS_NOTICES = PORTAL_SAMPLE_PAGES

_origins = CloudOrigins.of(REDIRECTION_CLOUDS)
HTTPS = _origins.https
ALLOWED_HOSTS = _origins.allowed_hosts

# --- Applications ------------------------------------------------------------------------

INSTALLED_APPS = [
    "portal",
    "redirection",
    "social_django",
    "csp",
    "django_filters",
    "django_htmx",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    # Before everything that reads the store: a redirect costs no query.
    "redirection.middleware.RedirectionMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    # Outside the session middleware, whose cookie it widens.
    "portal.hosts.PortalHostMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    # Before anything asks who somebody is.
    "portal.sign_in.session_limits.SessionLimitsMiddleware",
    # Default deny: a page without @login_not_required needs a signed-in person.
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "portal.sign_in.middleware.SignInErrorMiddleware",
    "portal.errors.StoreErrorMiddleware",
]

# The destination; legacy hosts get portal.legacy_urls from PortalHostMiddleware.
ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
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

# --- Store -------------------------------------------------------------------------------

DATABASES = {
    "default": with_options(
        ENVIRONMENT.database("DATABASE_URL", f"sqlite:///{BASE_DIR / 'var' / 'portal.sqlite3'}")
    )
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Sign-in -----------------------------------------------------------------------------

AUTH_USER_MODEL = "portal.Person"
AUTHENTICATION_BACKENDS = [
    "portal.sign_in.backend.EntraBackend",
    "redirection.permissions.TenantRolesBackend",
    # Operators sign in to the operator pages with a password.
    "django.contrib.auth.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = VALIDATORS
LOGIN_URL = "sign_in"
LOGIN_REDIRECT_URL = "/"

ENTRA_AUTHORITY = ENVIRONMENT.origin("ENTRA_AUTHORITY", "https://login.microsoftonline.com")
SOCIAL_AUTH_ENTRA_KEY = ENVIRONMENT.text("ENTRA_CLIENT_ID", "")
SOCIAL_AUTH_ENTRA_SECRET = ENVIRONMENT.text("ENTRA_CLIENT_SECRET", "")
# Instead of a secret: a signed assertion, in a file that whoever issues it keeps fresh.
ENTRA_CLIENT_ASSERTION_FILE = ENVIRONMENT.text("ENTRA_CLIENT_ASSERTION_FILE", "")
ENTRA_CA_FILE = ENVIRONMENT.text("ENTRA_CA_FILE", "")
PORTAL_SESSION_LIMIT = ENVIRONMENT.whole_seconds("PORTAL_SESSION_LIMIT", 28800, 60, 28800)
PORTAL_SESSION_IDLE = ENVIRONMENT.whole_seconds("PORTAL_SESSION_IDLE", 3600, 60, 28800)
SOCIAL_AUTH_ENTRA_TENANT_ID = "organizations"
SOCIAL_AUTH_RAISE_EXCEPTIONS = False
SOCIAL_AUTH_ENTRA_PIPELINE = SIGN_IN_STEPS

# --- Mail ---------------------------------------------------------------------------------

# ``manage.py send_messages`` sends it; without an address none is written (docs/messages.md).
_mail = ENVIRONMENT.mail("EMAIL_URL")
REDIRECTION_SENDS_MAIL = bool(_mail)
globals().update(_mail)
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = ENVIRONMENT.text("EMAIL_FROM", "portal-redirection@localhost")

# --- Cookies and headers -----------------------------------------------------------------

SESSION_COOKIE_NAME = "portal_session"
SESSION_COOKIE_AGE = PORTAL_SESSION_LIMIT
SESSION_COOKIE_SECURE = HTTPS
# A legacy portal on the same host has a csrftoken of its own, often.
CSRF_COOKIE_NAME = "portal_csrf"
CSRF_COOKIE_SECURE = HTTPS
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "portal.errors.csrf_failure"
REDIRECTION_SESSION_COOKIE_SECURE = HTTPS

SECURE_SSL_REDIRECT = HTTPS
# A proxy on the same machine asks the gate over plain http, and a monitor asks whether it is well.
SECURE_REDIRECT_EXEMPT = [r"^redirection/(gate|health|ready)$"]
SECURE_HSTS_SECONDS = 365 * 86400 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
SECURE_REFERRER_POLICY = "strict-origin-when-cross-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if ENVIRONMENT.boolean("BEHIND_PROXY", False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

CONTENT_SECURITY_POLICY = content_security_policy(
    form_targets=[ENTRA_AUTHORITY, *_origins.legacy, *_origins.destinations]
)

# --- Files, language, log ----------------------------------------------------------------

# A portal that is not ours may have a /static/ of its own on the same hosts.
STATIC_URL = ENVIRONMENT.choice("STATIC_URL", "/static/", ("/static/", "/redirection/static/"))
STATIC_ROOT = Path(ENVIRONMENT.text("STATIC_ROOT", str(BASE_DIR / "var" / "static")))
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
LANGUAGES = languages.LANGUAGES
LANGUAGE_COOKIE_NAME = "portal_language"
LANGUAGE_COOKIE_AGE = 365 * 86400
LANGUAGE_COOKIE_SECURE = HTTPS
LANGUAGE_COOKIE_HTTPONLY = True
# One catalogue, kept with the app that is also used without this site.
LOCALE_PATHS = [BASE_DIR / "redirection" / "locale"]
FORMAT_MODULE_PATH = "portal.formats"

LOGGING = one_line_each(
    ENVIRONMENT.choice("LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR"))
)
