"""In front of a portal that is not this project's, and unchanged: Jupyter, in a real browser."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser import PATIENCE
from tests.demo_process import ROOT, wait_until_open
from tests.proxies import PROXIES, Proxy, nginx_of_destination, proxy, running
from tests.proxies_programs import kill, ports, start
from tests.proxies_site import Site, site_and_portal

pytestmark = pytest.mark.long

RULES = "kind,source,target\nprefix,/tree,/files/{rest}\n"
# Caddy puts nothing into pages: there the tag comes by what Jupyter has for its operators.
CUSTOM_SCRIPT = """
const script = document.createElement("script");
script.src = "/redirection/portal-script.js";
document.head.append(script);
"""


@pytest.fixture
def jupyter(tmp_path: Path) -> Iterator[int]:
    """The port of a Jupyter whose files are in ``files``."""
    program = ROOT / ".venv-portal" / "bin" / "jupyter-nbclassic"
    assert program.exists(), "Jupyter is not installed; make test-long installs it."
    files = tmp_path / "files"
    (files / "reports").mkdir(parents=True)
    (files / "report.txt").write_text("numbers")
    [port] = ports(1)
    options = {
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.port": port,
        "ServerApp.port_retries": 0,
        "ServerApp.open_browser": False,
        "ServerApp.root_dir": files,
        "ServerApp.allow_remote_access": True,
        "ServerApp.allow_root": True,
        "IdentityProvider.token": "",
        "ServerApp.disable_check_xsrf": False,
    }
    process = start(
        str(program),
        *(f"--{name}={value}" for name, value in options.items()),
        log=tmp_path / "jupyter.log",
        HOME=str(tmp_path),
        SHELL="/bin/sh",
        JUPYTER_CONFIG_DIR=str(tmp_path / "config"),
    )
    wait_until_open(port)
    yield port
    kill(process)


@pytest.fixture(params=sorted(PROXIES))
def front(request: pytest.FixtureRequest, jupyter: int, tmp_path: Path) -> Iterator[Proxy]:
    if request.param != "nginx":
        custom = tmp_path / "config" / "custom"
        custom.mkdir(parents=True)
        (custom / "custom.js").write_text(CUSTOM_SCRIPT)
    [destination_port] = ports(1)
    folders = [tmp_path / name for name in ("site", "proxy", "destination")]
    for folder in folders:
        folder.mkdir()
    module = (sys.executable, "-m", "tests.proxies_portal", str(destination_port))
    with site_and_portal(folders[0], on=(), portal_port=jupyter) as site:
        (tmp_path / "rules.csv").write_text(RULES)
        rules = ("import_link_rules", str(tmp_path / "rules.csv"))
        site.command(*rules, "--reason", "Files have moved")
        site.others.append(start(*module, log=folders[2] / "log"))
        wait_until_open(destination_port)
        destination = nginx_of_destination(site, folders[2], destination_port)
        with running(destination), proxy(request.param, site, folders[1]) as found:
            yield found


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    # The certificate is that of an authority nobody knows.
    with chromium.new_context(ignore_https_errors=True) as context:
        context.set_default_timeout(PATIENCE)
        yield context


class Terminal:
    """A terminal of Jupyter in a tab; it draws its text, so what counts is what the socket said."""

    def __init__(self, tab: Page) -> None:
        self.tab = tab
        self.said: list[str] = []
        tab.on("websocket", lambda socket: socket.on("framereceived", self._hear))

    def _hear(self, frame: str | bytes) -> None:
        self.said.append(frame if isinstance(frame, str) else frame.decode())

    def answers(self, command: str, answer: str) -> None:
        """Type ``command``, which brings ``answer`` over the socket."""
        self.tab.locator(".xterm-helper-textarea").focus()
        self.tab.keyboard.type(f"{command}\n")
        for _ in range(PATIENCE // 100):
            if any(answer in frame for frame in self.said):
                return
            self.tab.wait_for_timeout(100)
        raise AssertionError(self.said)


def banner(page: Page) -> object:
    return page.locator("#legacy-banner")


def test_a_day_in_jupyter_while_redirection_is_switched_on_and_off(
    front: Proxy, context: BrowserContext, tmp_path: Path
) -> None:
    site: Site = front.site
    files, terminal = context.new_page(), Terminal(context.new_page())

    # Off: everything is as ever, and the banner says what is going to come.
    files.goto(front.url("contoso", "/tree"))
    expect(files.get_by_role("link", name="report.txt")).to_be_visible()
    expect(banner(files)).to_be_visible()
    terminal.tab.goto(front.url("contoso", "/terminals/new"))
    terminal.answers("echo $((6*7))-before", "42-before")

    site.switch("contoso", "on")

    # The socket that was open goes on, and so does the tab when it is loaded again.
    terminal.answers("echo $((6*7))-while", "42-while")
    terminal.tab.reload()
    terminal.answers("echo $((6*7))-after", "42-after")
    files.reload()
    expect(files.get_by_role("link", name="report.txt")).to_be_visible()

    # An upload by Jupyter's own page, with the bytes that were sent.
    content = bytes(range(256)) * 8_000
    files.locator("#alternate_upload input[type=file]").set_input_files(
        {"name": "upload.bin", "mimeType": "application/octet-stream", "buffer": content}
    )
    files.get_by_role("button", name="Upload", exact=True).last.click()
    expect(files.get_by_role("link", name="upload.bin")).to_be_visible()
    assert (tmp_path / "files" / "upload.bin").read_bytes() == content
    with files.expect_download() as download:
        files.evaluate(
            "link => { const a = document.createElement('a'); a.href = link;"
            " a.download = ''; document.body.append(a); a.click(); }",
            "/files/upload.bin?download=1",
        )
    assert download.value.path().read_bytes() == content

    # A new tab of this session goes to the same page over there, and so does a new session.
    new = context.new_page()
    new.goto(front.url("contoso", "/tree/reports?sort=name"))
    new.wait_for_url(f"{site.destination}/files/reports**")
    expect(new.get_by_text("This is the portal of security.localhost")).to_be_visible()

    location = front.ask("/tree/reports?sort=name").get("Location")
    assert location.startswith(f"{site.destination}/files/reports?")

    # Off again, everything is as it was.
    site.switch("contoso", "off")
    again = context.new_page()
    again.goto(front.url("contoso", "/tree"))
    expect(again.get_by_role("link", name="upload.bin")).to_be_visible()
    terminal.answers("echo $((6*7))-off", "42-off")
