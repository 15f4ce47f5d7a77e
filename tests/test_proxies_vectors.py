"""Every conformance vector comes out the same behind each shipped proxy, over real connections."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests import proxies
from tests.demo_process import ROOT, wait_until_open
from tests.proxies import PROXIES, Proxy, Site, exchange, proxy, site_of, start
from tests.vectors.runner import Received, Send, Sent, differences, load

WORLDS, VECTORS = load()
# A millisecond later these would come out differently.
PLAYED = [vector for vector in VECTORS if vector["clock"] == "runs"]
# What the proxy answers itself, with 400, before it asks anybody.
REFUSED = {"caddy": set(), "haproxy": {"a socket"}, "nginx": {"a null byte"}}
# Milliseconds that pass between the two ends of a request, on a busy machine.
TOLERANCE = 60_000


@pytest.fixture(scope="module")
def portal_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    [port] = proxies.ports(1)
    module = (sys.executable, "-m", "tests.proxies_portal", str(port), "vectors")
    process = start(*module, log=tmp_path_factory.mktemp("portal") / "log")
    wait_until_open(port)
    yield port
    proxies.kill(process)


@contextmanager
def world_served(name: str) -> Iterator[tuple[int, int]]:
    """The site in the world ``name``: its port, and the moment its times count from."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.proxies_vectors", name],
        cwd=ROOT,
        env={"DJANGO_SETTINGS_MODULE": "tests.settings"},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        yield told["port"], told["began"]
    finally:
        process.kill()
        process.communicate()


def sending(front: Proxy) -> Send:
    def send(sent: Sent) -> Received:
        lines = [f"Host: {sent.host}", *(f"{name}: {sent.headers[name]}" for name in sent.headers)]
        written = proxies.request(sent.method, sent.target, lines)
        answer = exchange(front.port, written, front.site.tls)
        return Received(answer.status, answer.headers, answer.body)

    return send


@pytest.mark.parametrize("world", sorted(WORLDS))
@pytest.mark.parametrize("name", sorted(PROXIES))
def test_every_vector_comes_out_as_expected(
    name: str, world: str, portal_port: int, tmp_path: Path
) -> None:
    played = [vector for vector in PLAYED if vector["world"] == world]
    assert played
    with world_served(world) as (port, began):
        site: Site = site_of(tmp_path, port, portal_port)
        with proxy(name, site, tmp_path) as front:
            send = sending(front)
            wrong = {
                vector["name"]: found
                for vector in played
                if (found := list(differences(vector, WORLDS[world], send, began, TOLERANCE)))
            }

    refused = {vector for vector, found in wrong.items() if "status is 400" in str(found)}
    assert refused <= REFUSED[name]
    assert {vector: found for vector, found in wrong.items() if vector not in refused} == {}
