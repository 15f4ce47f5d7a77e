"""The site in the world of a conformance vector: ``python -m tests.proxies_vectors WORLD``.

Writes its port and the moment (milliseconds since the epoch) that the world's times count from,
as JSON, and serves the WSGI door with the gate until it is ended. ``WORLD`` is a name in
tests/vectors/decisions.jsonl.
"""

from __future__ import annotations

import json
import sys
import time
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import django
from django.conf import settings
from django.urls import include, path

from tests.vectors.runner import load


class _Handler(WSGIRequestHandler):
    def log_message(self, *arguments: object) -> None:
        """Nobody reads it."""


def main(name: str) -> None:
    world = load()[0][name]
    # The settings of the tests, and over them those of the world.
    django.setup()
    from django.core.handlers.wsgi import WSGIHandler

    from redirection import switches
    from redirection.door import with_door
    from tests.vectors.in_process import held_in, settings_of

    for setting, value in settings_of(world).items():
        setattr(settings, setting, value)
    settings.MIDDLEWARE = ["redirection.middleware.RedirectionMiddleware"]
    settings.ROOT_URLCONF = (path("", include("redirection.both_urls")),)
    began = time.time_ns() // 1_000_000
    switches._held = held_in(world, began)
    server = WSGIServer(("127.0.0.1", 0), _Handler)
    server.set_app(with_door(WSGIHandler()))
    sys.stdout.write(json.dumps({"port": server.server_port, "began": began}) + "\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1])
