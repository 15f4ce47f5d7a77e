"""The WSGI entry point: ``granian --interface wsgi portal.wsgi:application``."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

from redirection.door import with_door

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

application = with_door(get_wsgi_application())
