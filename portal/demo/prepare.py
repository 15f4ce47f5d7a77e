"""Makes one of the two sites ready: ``python -m portal.demo.prepare portal|provider``."""

from __future__ import annotations

import os
import sys
from importlib import import_module

import django
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command

SETTINGS = {"portal": "portal.settings", "provider": "portal.demo.provider.settings"}
DATA = {"portal": "portal.demo.portal_data", "provider": "portal.demo.provider.data"}


def prepare(site: str) -> None:
    """Bring the store of ``site`` up to date, its files together, and its data in."""
    os.environ["DJANGO_SETTINGS_MODULE"] = SETTINGS[site]
    django.setup()
    call_command("migrate", verbosity=0, interactive=False)
    if site == "portal":
        call_command("collectstatic", verbosity=0, interactive=False)
    import_module(DATA[site]).fill()


if __name__ == "__main__":
    try:
        prepare(sys.argv[1])
    except ImproperlyConfigured as error:
        sys.exit(str(error))
