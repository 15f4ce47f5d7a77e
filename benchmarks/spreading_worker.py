"""The processes of benchmarks/spreading.py: ``worker`` serves, ``changer`` changes settings.

Both write one line for each revision: the revision, and the moment in seconds since the epoch.
"""

from __future__ import annotations

import io
import os
import random
import sys
import threading
import time
from typing import Any

import django

TID = "11111111-1111-4111-8111-111111111111"
HOST = "contoso.portal.cloudappsecurity.com"


def work(busy: float) -> None:
    """Answer requests, ``busy`` of the time, until standard input ends; say what was served."""
    from django.core.handlers.wsgi import WSGIRequest
    from django.http import HttpResponse

    from redirection import reports, switches
    from redirection.middleware import RedirectionMiddleware

    answer = RedirectionMiddleware(lambda _: HttpResponse("The legacy page"))
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    served, seen = 0, []
    print("ready", flush=True)
    while not ended.is_set():
        began = time.perf_counter()
        for _ in range(20):
            answer(WSGIRequest(_environ()))
            if (revision := switches.held().revision) != served:
                served = revision
                seen.append((revision, time.time()))
        if busy < 1:
            time.sleep((time.perf_counter() - began) * (1 - busy) / busy)
    for revision, moment in seen:
        print(revision, moment)
    sys.stdout.flush()
    # As a server's worker ends.
    reports.end()


def change(count: int, pause: float) -> None:
    """Switch a tenant ``count`` times, ``pause`` seconds apart on average."""
    from redirection.models import Tenant

    tenant = Tenant.objects.get(tid=TID)
    for number in range(count):
        wanted = "off" if tenant.is_on else "on"
        tenant.switch_redirection(
            wanted, reason_kind="trial", reason=f"Number {number}", channel="command", operator="me"
        )
        print(tenant.revision, time.time(), flush=True)
        time.sleep(random.uniform(0.5, 1.5) * pause)  # noqa: S311


def _environ() -> dict[str, Any]:
    return {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/audits",
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "443",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": HOST,
        "HTTP_ACCEPT": "text/html",
        "HTTP_SEC_FETCH_DEST": "document",
        "HTTP_SEC_FETCH_MODE": "navigate",
        "wsgi.url_scheme": "https",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": sys.stderr,
    }


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    django.setup()
    if sys.argv[1] == "worker":
        work(float(sys.argv[2]))
    else:
        change(int(sys.argv[2]), float(sys.argv[3]))
