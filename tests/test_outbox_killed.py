"""The sender may be killed at any moment: every message arrives, under one number each."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MESSAGES = 60
FILL = f"""
from redirection.models import OutgoingMessage, Tenant, WebhookEndpoint
from uuid import uuid4
hook = WebhookEndpoint.objects.create(url=URL)
OutgoingMessage.objects.bulk_create(
    OutgoingMessage(kind="webhook", number=uuid4(), event="x", endpoint=hook, content={{}})
    for _ in range({MESSAGES})
)
"""
# As if the lease of whoever was killed were over.
LATER = """
from redirection.models import OutgoingMessage
from django.utils import timezone
left = OutgoingMessage.objects.filter(sent_at=None)
left.update(due_at=timezone.now())
print(left.count())
"""


class Receiver(ThreadingHTTPServer):
    """Counts what arrives by its number; every fifth answer is an error, after it arrived."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.arrived: Counter[str] = Counter()


class Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.arrived[self.headers["webhook-id"]] += 1
        time.sleep(0.005)
        fails = sum(self.server.arrived.values()) % 5 == 0
        self.send_response(HTTPStatus.BAD_GATEWAY if fails else HTTPStatus.OK)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.long
def test_every_message_arrives_however_often_the_sender_is_killed(tmp_path: Path) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "ENV_FILE": os.devnull,
        "SECRET_KEY": "a-secret-key-of-more-than-fifty-characters-for-the-tests",
        "DATABASE_URL": f"sqlite:///{tmp_path / 'db.sqlite3'}",
        "REDIRECTION_WEBHOOKS_INSIDE": "on",
    }

    def manage(*words: str) -> str:
        return subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=ROOT, env=environment, capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip

    manage("migrate", "--verbosity", "0")
    with Receiver() as receiver:
        threading.Thread(target=receiver.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{receiver.server_port}/"
        manage("shell", "--verbosity", "0", "-c", FILL.replace("URL", repr(url)))
        kills = 0
        for _ in range(60):
            sender = subprocess.Popen(
                [sys.executable, "manage.py", "send_messages"],
                cwd=ROOT, env=environment, stderr=subprocess.PIPE,
            )  # fmt: skip
            before = sum(receiver.arrived.values())
            until = time.monotonic() + 10
            while sum(receiver.arrived.values()) == before and time.monotonic() < until:
                time.sleep(0.001)
            time.sleep(random.uniform(0, 0.1))
            sender.kill()
            sender.communicate()
            kills += 1
            if int(manage("shell", "--verbosity", "0", "-c", LATER)) == 0:
                break
        receiver.shutdown()
    assert len(receiver.arrived) == MESSAGES
    assert kills > 3
