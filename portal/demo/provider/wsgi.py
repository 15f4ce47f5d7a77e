"""The WSGI entry point of the stand-in for Entra ID."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

# Not setdefault: the environment may name the settings of the portal.
os.environ["DJANGO_SETTINGS_MODULE"] = "portal.demo.provider.settings"

application = get_wsgi_application()
