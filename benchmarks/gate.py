"""What the gate costs behind nginx: ``make bench`` or ``python -m benchmarks.gate``.

nginx runs with the shipped file, this site and a plain Django view take turns as its gate, and
nginx alone is the reference, all in one run: compare the ratios. wrk sends the requests.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import NamedTuple

from redirection.decisions import LegacySession
from tests import proxies
from tests.demo_process import wait_until_open
from tests.proxies import nginx, running
from tests.proxies_exchange import PAGE_LOAD
from tests.proxies_programs import kill, ports, start
from tests.proxies_site import TENANTS, Site, shipped_command, shipped_variables, site_and_portal
from tests.vectors.cookies import session_value

EXPLANATION = """\
Requests a second, and milliseconds for one; medians of all rounds. x alone: requests a second as a
part of those of nginx alone, which answers with a constant redirect, or passes a page on."""
_PORTAL = "user root; daemon off; pid {0}/pid; error_log {0}/error; events {{}} http {{ access_log off; {1} server {{ listen 127.0.0.1:{2}; location / {{ default_type text/html; return 200 page; }} }} }}"  # fmt: skip # noqa: E501
_ALONE = "upstream portal {{ server 127.0.0.1:{0}; keepalive 32; }} server {{ listen 127.0.0.1:{1} ssl; ssl_certificate {2}/server.pem; ssl_certificate_key {2}/server-key.pem; location /go {{ return 302 https://security.localhost/; }} location / {{ proxy_http_version 1.1; proxy_set_header Connection ''; proxy_pass http://portal; }} }}"  # fmt: skip # noqa: E501
# Servers on the first core, the load and the portal on the second.
_SERVERS, _LOAD = "0", "1"
_CONNECTIONS = 16


class Measured(NamedTuple):
    rate: float
    half: float
    most: float


class Contender(NamedTuple):
    name: str
    address: str
    host: str
    cookie: str
    alone: str


def main() -> None:
    arguments = _arguments()
    # The answers that nginx keeps belong into memory, as in the shipped file.
    memory = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108
    with tempfile.TemporaryDirectory(dir=memory) as directory, ExitStack() as stack:
        contenders = stack.enter_context(_everything(Path(directory)))
        rounds: dict[str, list[Measured]] = {contender.name: [] for contender in contenders}
        for _ in range(arguments.rounds):
            for contender in contenders:
                rounds[contender.name].append(_measure(contender, arguments.seconds))
    print(f"{arguments.rounds} rounds of {arguments.seconds} s, {_CONNECTIONS} connections\n")
    print(f"{'':44}{'a second':>10}{'p50 ms':>9}{'p99 ms':>9}{'x alone':>9}")
    for contender in contenders:
        measured = rounds[contender.name]
        ratios = [
            own.rate / alone.rate
            for own, alone in zip(measured, rounds[contender.alone], strict=True)
        ]
        rate, half, most = (median(values) for values in zip(*measured, strict=True))
        print(f"{contender.name:44}{rate:10,.0f}{half:9.2f}{most:9.2f}{median(ratios):9.3f}")
    print(f"\n{EXPLANATION}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="What the gate costs behind nginx.")
    parser.add_argument("--rounds", type=int, default=5, help="how often each takes its turn")
    parser.add_argument("--seconds", type=int, default=2, help="how long one turn is")
    return parser.parse_args()


@contextmanager
def _everything(directory: Path) -> Iterator[list[Contender]]:
    with ExitStack() as stack:
        site = stack.enter_context(site_and_portal(directory))
        plain_port, portal_port, alone_port = ports(3)
        _pin(site.process)
        _start_plain_view(stack, site, plain_port)
        _start_portal(stack, directory, portal_port)
        fronts = []
        for name, port in (("gate", site.port), ("view", plain_port)):
            folder = directory / name
            folder.mkdir()
            other = replace(site, port=port, portal_port=portal_port)
            front = stack.enter_context(running(nginx(other, folder)))
            _pin(front.process)
            fronts.append(front)
        folder = directory / "alone"
        folder.mkdir()
        text = _ALONE.format(portal_port, alone_port, site.directory)
        alone = proxies._nginx(site, folder, text, alone_port, 0)  # noqa: SLF001 (the same frame)
        stack.enter_context(running(alone))
        _pin(alone.process)
        gate, view = fronts
        cookies = {name: f"__Secure-legacy_tenant={tid}" for name, tid in TENANTS.items()}
        staying = f"{cookies['contoso']}; {_running_session(site)}"
        go, stay = "nginx alone, constant redirect", "nginx alone, page of the portal"
        yield [
            Contender(go, f"https://127.0.0.1:{alone_port}/go", "contoso", "", go),
            Contender(stay, f"https://127.0.0.1:{alone_port}/a", "contoso", "", stay),
            Contender("gate, redirect", _address(gate), "contoso", cookies["contoso"], go),
            Contender("gate, session continues", _address(gate), "contoso", staying, stay),
            Contender("plain view, redirect", _address(view), "contoso", cookies["contoso"], go),
            Contender("plain view, stays", _address(view), "fabrikam", staying, stay),
        ]


def _address(front: proxies.Proxy) -> str:
    return f"https://127.0.0.1:{front.port}/alerts"


def _running_session(site: Site) -> str:
    """A session that began before the switch, and need not be written anew."""
    now, tid = time.time_ns() // 1_000_000, TENANTS["contoso"]
    session = LegacySession(tid, now - 3_600_000, now)
    value = session_value(tid, session.started, session.seen, site.variables["SECRET_KEY"])
    return f"__Secure-legacy_session_{tid.replace('-', '')}={value}"


def _start_plain_view(stack: ExitStack, site: Site, port: int) -> None:
    """One Django view without any middleware, on the same server."""
    own = {"GRANIAN_PORT": str(port), "GRANIAN_WORKERS": "1"}
    process = start(
        *(*shipped_command()[:-1], "benchmarks.plain_gate:application"),
        log=site.directory / "view.log",
        **{**site.variables, **shipped_variables("gate"), **own},
    )
    stack.callback(kill, process)
    wait_until_open(port)
    _pin(process)


def _start_portal(stack: ExitStack, directory: Path, port: int) -> None:
    folder = directory / "portal"
    folder.mkdir()
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"{kind}_temp_path {folder / kind};" for kind in kinds)
    (folder / "nginx.conf").write_text(_PORTAL.format(folder, temporary, port))
    command = ("nginx", "-p", str(folder), "-c", str(folder / "nginx.conf"))
    process = start(*command, log=folder / "log")
    stack.callback(kill, process)
    wait_until_open(port)
    _pin(process, _LOAD)


def _pin(process: subprocess.Popen[bytes] | None, core: str = _SERVERS) -> None:
    """Keep a program, and what it has started, on one core where there are two."""
    if process is None or (os.cpu_count() or 1) < 2:
        return
    time.sleep(1)
    for number in _run("pgrep", "-g", str(process.pid)).split():
        _run("taskset", "--all-tasks", "--cpu-list", "--pid", core, number)


def _run(*command: str) -> str:
    done = subprocess.run(  # noqa: S603 (nobody else says what is run)
        command, capture_output=True, text=True, check=True
    )
    return done.stdout


def _measure(contender: Contender, seconds: int) -> Measured:
    headers = {
        **PAGE_LOAD,
        "Host": f"{contender.host}.portal.localhost",
        "Cookie": contender.cookie,
    }
    said = _run(
        *("taskset", "--cpu-list", _LOAD if (os.cpu_count() or 1) > 1 else _SERVERS),
        *("wrk", "--latency", "-t", "1", "-c", str(_CONNECTIONS), "-d", f"{seconds}s"),
        *(part for name, value in headers.items() for part in ("-H", f"{name}: {value}")),
        contender.address,
    )
    if "Non-2xx or 3xx" in said or "Socket errors" in said:
        raise SystemExit(f"{contender.name}:\n{said}")
    rate = _number(r"Requests/sec:\s+([\d.]+)()", said)
    return Measured(rate, _latency(said, 50), _latency(said, 99))


def _latency(said: str, percent: int) -> float:
    """In milliseconds."""
    return _number(rf"\s{percent}%\s+([\d.]+)(us|ms|s)\b", said)


def _number(pattern: str, said: str) -> float:
    found = re.search(pattern, said)
    if not found:
        raise SystemExit(said)
    return float(found[1]) * {"": 1, "us": 0.001, "ms": 1, "s": 1000}[found[2]]


if __name__ == "__main__":
    main()
