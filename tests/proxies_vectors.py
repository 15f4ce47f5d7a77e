"""The site in the worlds of the conformance vectors: the WSGI application of a server.

A request to ``ENTER`` with the name of a world (in tests/vectors/decisions.jsonl) puts the process
into it; the answer is the moment that the world's times count from, in milliseconds since the
epoch. The server must have a single worker.
"""

from __future__ import annotations

import time
from typing import Any

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import setting_changed

from tests.vectors.runner import load

ENTER = "/enter-the-world"


def _enter(name: str) -> int:
    from redirection import switches
    from tests.vectors.in_process import held_in, settings_of

    world = load()[0][name]
    for setting, value in settings_of(world).items():
        setattr(settings, setting, value)
        setting_changed.send(None, setting=setting, value=value, enter=True)
    began = time.time_ns() // 1_000_000
    switches._held = held_in(world, began)
    return began


def _application() -> Any:
    # The settings of the tests; each world puts its own over them.
    django.setup()
    from redirection.door import with_door

    settings.MIDDLEWARE = ["redirection.middleware.RedirectionMiddleware"]
    settings.ROOT_URLCONF = "tests.vectors.urls"
    _enter("main")
    site = with_door(WSGIHandler())

    def answer(environ: dict[str, Any], start_response: Any) -> Any:
        if environ["PATH_INFO"] != ENTER:
            return site(environ, start_response)
        began = _enter(environ["QUERY_STRING"])
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [str(began).encode()]

    return answer


application = _application()
