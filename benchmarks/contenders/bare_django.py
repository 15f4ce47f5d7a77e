"""Django with what a contender asks for and nothing else."""

from __future__ import annotations

import os
from typing import Any

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.core.management import call_command
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path

from benchmarks.browsers import DESTINATION, Environ, Served, page_load

CONTENT_TYPES = ["django.contrib.auth", "django.contrib.contenttypes"]
HOST = "tenant0.portal.example.com"


def constant(request: HttpRequest) -> HttpResponse:
    """The redirect of the floor."""
    return HttpResponseRedirect(f"{DESTINATION}/cloudapps/activity-log")


urlpatterns = [path("audits", constant)]


def configure(**more: Any) -> None:
    """Configure Django; ``INSTALLED_APPS`` with models get their tables."""
    given = {
        "SECRET_KEY": "a-secret-key-that-is-known-to-everybody-who-reads-this",
        "ALLOWED_HOSTS": [".portal.example.com"],
        "ROOT_URLCONF": __name__,
        "DEFAULT_AUTO_FIELD": "django.db.models.BigAutoField",
        "MIDDLEWARE": [],
    }
    settings.configure(**(given | more))
    django.setup()
    if "DATABASES" in more:
        call_command("migrate", run_syncdb=True, verbosity=0)


def store(*, kept: bool = False) -> dict[str, Any]:
    """The store that the run gives this contender. ``kept``: its connection stays open."""
    port = os.environ.get("BENCHMARK_POSTGRESQL")
    if not port:
        folder = os.environ["BENCHMARK_FOLDER"]
        given = {"ENGINE": "django.db.backends.sqlite3", "NAME": f"{folder}/store.sqlite3"}
    else:
        given = {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": os.environ["BENCHMARK_DATABASE"],
            "USER": "portal",
            "HOST": "127.0.0.1",
            "PORT": port,
        }
    return {"default": given | ({"CONN_MAX_AGE": None} if kept else {})}


def served(path: str = "/audits", query: str = "", cookie: str = "", host: str = HOST) -> Served:
    """Django as configured, and one page load."""
    environ: Environ = page_load(host, path, query, cookie)
    return Served(WSGIHandler(), [environ])
