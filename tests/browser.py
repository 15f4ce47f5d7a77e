"""A running demo and a real browser, as fixtures for the tests of the whole journey."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.demo_process import ROOT, free_port, running

CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


# Milliseconds; a busy machine is slow, not wrong.
PATIENCE = 30_000
expect.set_options(timeout=PATIENCE)


@dataclass
class Demo:
    """The demo as a newcomer starts it, on a port and in a directory of its own."""

    port: int
    directory: Path
    shell: subprocess.Popen[str]

    def url(self, host: str, path: str = "/") -> str:
        """An address: ``url("contoso", "/#/audits")`` or ``url("security", "/alerts")``."""
        name = "security.localhost" if host == "security" else f"{host}.portal.localhost"
        return f"http://{name.removeprefix('.')}:{self.port}{path}"

    def command(self, *words: str) -> str:
        """What an operator types in a shell."""
        assert self.shell.stdin
        assert self.shell.stdout
        self.shell.stdin.write(json.dumps(words) + "\n")
        self.shell.stdin.flush()
        printed: str = json.loads(self.shell.stdout.readline())
        return printed

    def switch(self, tenant: str, wanted: str) -> None:
        """Switch a tenant, and wait until the running portal serves it."""
        self.command(
            "switch_redirection",
            tenant,
            wanted,
            "--kind",
            "trial",
            "--reason",
            "The test asks for it",
        )
        self.wait_until_served(tenant, wanted)

    def wait_until_served(self, tenant: str, wanted: str) -> None:
        """Wait, at most some seconds, until a new session gets what is wanted."""
        for _ in range(100):
            status = self.status_of_new_session(tenant)
            if (status == HTTPStatus.FOUND) is (wanted == "on"):
                return
            threading.Event().wait(0.1)
        raise AssertionError(f"{tenant} never was {wanted}")

    def status_of_new_session(self, tenant: str) -> int:
        request = (
            f"GET / HTTP/1.1\r\nHost: {tenant}.portal.localhost:{self.port}\r\n"
            "Accept: text/html\r\nConnection: close\r\n\r\n"
        )
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
            connection.sendall(request.encode())
            return int(connection.makefile("rb").readline().split()[1])


def running_demo(directory: Path, **variables: str) -> Iterator[Demo]:
    """A demo on a port of its own, with these variables over its file."""
    port = free_port()
    # Tests wait for what a person does not notice.
    with running(port, directory, **{"REDIRECTION_REFRESH": "0.1", **variables}):
        shell = subprocess.Popen(
            [sys.executable, "-m", "tests.demo_shell"],
            cwd=ROOT,
            env={
                "PATH": os.environ["PATH"],
                "DJANGO_SETTINGS_MODULE": "portal.settings",
                "ENV_FILE": str(directory / ".env"),
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        with shell:
            yield Demo(port, directory, shell)


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """One demo for all tests; each brings contoso to the state it begins with."""
    yield from running_demo(tmp_path_factory.mktemp("demo"))


@pytest.fixture(scope="session")
def hasty_demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A demo whose legacy sessions are idle after two seconds."""
    directory = tmp_path_factory.mktemp("hasty_demo")
    yield from running_demo(directory, REDIRECTION_SESSION_IDLE="2")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium without the program around it: a page costs a third."""
    path = shutil.which("chromium-headless-shell")
    assert path, "Chromium is missing: apt-get install chromium-headless-shell"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    """A browser just started: no cookies, no tabs."""
    with chromium.new_context() as context:
        context.set_default_timeout(PATIENCE)
        yield context


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


@pytest.fixture
def off(demo: Demo) -> None:
    """Contoso begins with redirection off."""
    if demo.status_of_new_session("contoso") != HTTPStatus.OK:
        demo.switch("contoso", "off")


def sign_in(page: Page, address: str, person: str) -> None:
    """Open ``address``, which asks to sign in, and do so as ``person``."""
    page.goto(address)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name=person).click()
    page.wait_for_url(address)


def sign_in_on_legacy(page: Page, demo: Demo, person: str) -> None:
    """Open contoso's legacy portal, which is there for everybody, and sign in as ``person``."""
    page.goto(demo.url("contoso"))
    page.get_by_role("link", name="Sign in").click()
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name=person).click()
    page.wait_for_url(demo.url("contoso"))
