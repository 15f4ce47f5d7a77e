"""Every conformance vector comes out the same over the shipped server, and behind each proxy.

The server is started as deploy/systemd does, and so are the proxies. It hands over no header that
has a byte of 0x80 or more, so what is expected of such a server counts.
"""

from __future__ import annotations

import ssl
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path

import pytest

from tests.demo_process import wait_until_open
from tests.proxies import PROXIES, proxy
from tests.proxies_exchange import exchange, request
from tests.proxies_programs import kill, ports, start
from tests.proxies_site import Site, shipped_command, shipped_variables, site_of
from tests.vectors.cookies import cookie_header
from tests.vectors.in_process import behind_a_proxy
from tests.vectors.runner import Received, Send, Sent, differences, load
from tests.vectors.worlds import TIDS

WORLDS, VECTORS = load()
# A millisecond later these would come out differently.
PLAYED = [vector for vector in VECTORS if vector["clock"] == "runs"]
# What the proxy answers itself, with 400, before it asks anybody.
REFUSED = {
    "caddy": set(),
    "door": set(),
    "gate": set(),
    "haproxy": {"a socket", "letters that are not encoded"},
    "nginx": {"a null byte"},
}
# Milliseconds that pass between the two ends of a request, on a busy machine.
TOLERANCE = 60_000


class Worlds:
    """The site over the shipped server, in one world after the other."""

    def __init__(self, site: Site) -> None:
        self.site = site

    def start(self) -> None:
        *command, _application = shipped_command()
        variables = {
            **shipped_variables("gate"),
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "GRANIAN_PORT": str(self.site.port),
            # Each would have a world of its own.
            "GRANIAN_WORKERS": "1",
        }
        self.site.process = start(
            *command, "tests.proxies_vectors:application", log=self.site.log, **variables
        )
        wait_until_open(self.site.port)

    def enter(self, name: str) -> int:
        """The moment that the times of the world count from, in ms since the epoch."""
        asked = request("GET", f"/enter-the-world?{name}", ["Host: portal.localhost"])
        return int(exchange(self.site.port, asked, None).body)


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worlds]:
    directory = tmp_path_factory.mktemp("worlds")
    port, portal_port = ports(2)
    module = (sys.executable, "-m", "tests.proxies_portal", str(portal_port), "vectors")
    process = start(*module, log=directory / "portal.log")
    found = Worlds(site_of(directory, port, portal_port))
    try:
        wait_until_open(portal_port)
        found.start()
        yield found
    finally:
        found.site.stop()
        kill(process)


def to_port(port: int, tls: ssl.SSLContext | None = None) -> Send:
    def send(sent: Sent) -> Received:
        lines = [f"Host: {sent.host}", *(f"{name}: {sent.headers[name]}" for name in sent.headers)]
        answer = exchange(port, request(sent.method, sent.target, lines), tls)
        return Received(answer.status, answer.headers, answer.body)

    return send


@contextmanager
def adapter(name: str, site: Site, directory: Path) -> Iterator[Send]:
    """The door over the server; its gate, asked by the book; or one of the proxies."""
    if name == "door":
        yield to_port(site.port)
    elif name == "gate":
        yield behind_a_proxy(to_port(site.port))
    else:
        with proxy(name, site, directory) as front:
            yield to_port(front.port, site.tls)


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_every_vector_comes_out_as_expected(name: str, worlds: Worlds, tmp_path: Path) -> None:
    wrong = {}
    with adapter(name, worlds.site, tmp_path) as send:
        for world in WORLDS:
            began = worlds.enter(world)
            played = [vector for vector in PLAYED if vector["world"] == world]
            assert played
            for vector in played:
                told = (vector, WORLDS[world], send, began, TOLERANCE)
                wrong[vector["name"]] = list(
                    differences(*told, ascii_only=True, by_proxy=name != "door")
                )

    refused = {vector for vector, found in wrong.items() if "status is 400" in str(found)}
    assert refused <= REFUSED[name]
    assert {
        vector: found for vector, found in wrong.items() if found and vector not in refused
    } == {}


@pytest.mark.parametrize("name", sorted(PROXIES))
def test_a_gate_that_knows_nothing_takes_no_kept_answer_away(
    name: str, worlds: Worlds, tmp_path: Path
) -> None:
    """As after a restart while the store does not answer; then it is killed once more."""
    cookie = f"legacy_tenant={TIDS['contoso']}"
    with proxy(name, worlds.site, tmp_path) as front:
        worlds.enter("main")
        answers = [front.ask("/audits?kept", Cookie=cookie)]
        worlds.enter("unread")
        answers += [front.ask("/audits?kept", Cookie=cookie), front.ask("/audits?new")]
        worlds.site.stop()
        answers.append(front.ask("/audits?kept", Cookie=cookie))
    worlds.start()

    kept = HTTPStatus.FOUND if name == "nginx" else HTTPStatus.OK
    assert [answer.status for answer in answers] == [HTTPStatus.FOUND, kept, HTTPStatus.OK, kept]
    if name == "nginx":
        assert {answer.get("Redirection-Decision") for answer in (answers[1], answers[3])} == {
            "new_session;revision=1;stale"
        }


@pytest.mark.parametrize("name", sorted(PROXIES))
@pytest.mark.parametrize("gate", ["knows nothing", "gone"])
def test_a_form_is_led_on_by_no_answer_that_was_kept(
    gate: str, name: str, worlds: Worlds, tmp_path: Path
) -> None:
    """Whoever has to lead on knows nothing either, and would send the browser back for ever."""
    with proxy(name, worlds.site, tmp_path) as front:
        began = worlds.enter("main")
        told = [{"form": 0}, {"tenant": TIDS["contoso"]}]
        cookie = cookie_header(told, WORLDS["main"]["settings"], began)
        before = front.ask("/audits?form", Cookie=cookie)
        if gate == "gone":
            worlds.site.stop()
        else:
            worlds.enter("unread")
        after = front.ask("/audits?form", Cookie=cookie)
    if gate == "gone":
        worlds.start()

    assert before.status == HTTPStatus.FOUND
    assert before.get("Location").startswith("/redirection/lead-on?")
    assert after.status == HTTPStatus.OK
