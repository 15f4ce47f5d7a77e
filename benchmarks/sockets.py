"""What a redirect costs over a socket: ``make bench`` or ``python -m benchmarks.sockets``.

Servers share one core, the load has the other, and all take turns in one run: compare the ratios.
``--rounds=0`` starts everything, asks each once and measures nothing.
"""

from __future__ import annotations

import argparse
import tempfile
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from benchmarks import gate, peers
from benchmarks.browsers import DESTINATION
from benchmarks.contenders.bare_django import HOST
from benchmarks.contenders.sessions import SESSION
from benchmarks.load import CONNECTIONS, Contender, Measured, check, measure, pin
from benchmarks.results import Aim, Result, Table, ratio
from tests.demo_process import wait_until_open
from tests.proxies_exchange import PAGE_LOAD
from tests.proxies_programs import kill, ports, start
from tests.proxies_site import Site, shipped_command, shipped_variables, site_and_portal

EXPLANATION = f"""\
{CONNECTIONS} connections. Requests a second, and milliseconds for one; medians of all rounds.
x nginx: requests a second as a part of those of nginx alone in the same round, which answers with
a constant redirect over plain HTTP or, in the rows of auth_request, over TLS, or passes a page on.
Our door is the whole site as it is shipped, with its counters and all of its middleware."""

NGINX = "nginx, return 302"
DOOR = "our WSGI door, redirect; granian"
CONSTANT = "Django view without middleware, constant redirect; granian"
ROW = "session, user, setting row; granian"
KEPT = "session, user, setting row, SQLite kept open; granian"
THREADS = "Django view without middleware, constant redirect; gunicorn, 4 threads"
_NGINX = "server {{ listen 127.0.0.1:{0}; location / {{ return 302 {1}/; }} }}"


def main() -> None:
    arguments = _arguments()
    # The answers that nginx keeps belong into memory, as in the shipped file.
    memory = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108
    with tempfile.TemporaryDirectory(dir=memory) as directory, ExitStack() as stack:
        folder = Path(directory)
        site = stack.enter_context(site_and_portal(folder))
        pin(site.process)
        contenders = _contenders(stack, folder, site, arguments.peers)
        contenders += gate.contenders(stack, folder, site)
        for contender in contenders:
            check(contender, site.tls)
        rounds: dict[str, list[Measured]] = {contender.name: [] for contender in contenders}
        for _ in range(arguments.rounds):
            for contender in contenders:
                rounds[contender.name].append(measure(contender, arguments.seconds))
    if arguments.rounds:
        _result(contenders, rounds, arguments.seconds).publish(arguments.json)
    else:
        print(f"{len(contenders)} contenders answer.")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="What a redirect costs over a socket.")
    parser.add_argument("--rounds", type=int, default=5, help="how often each takes its turn")
    parser.add_argument("--seconds", type=int, default=2, help="how long one turn is")
    parser.add_argument("--peers", type=Path, default=peers.FOLDER, help="their environment")
    parser.add_argument("--json", type=Path, help="file for the results")
    arguments = parser.parse_args()
    if arguments.rounds < 0 or arguments.seconds < 1:
        parser.error("0 rounds and 1 second are the least")
    return arguments


def _contenders(
    stack: ExitStack, directory: Path, site: Site, environment: Path
) -> list[Contender]:
    [nginx_port] = ports(1)
    text = _NGINX.format(nginx_port, DESTINATION)
    gate.start_nginx(stack, site, directory / "nginx", text, nginx_port)
    # What a proxy says that ends TLS.
    ours = gate.page_load("contoso") | {"X-Forwarded-Proto": "https"}
    theirs = {**PAGE_LOAD, "Host": HOST, "Cookie": f"sessionid={SESSION}"}
    served = {CONSTANT: "plain:floor", ROW: "sessions:stored", KEPT: "sessions:stored kept=1"}
    found = [
        Contender(NGINX, f"http://127.0.0.1:{nginx_port}/audits", theirs, NGINX),
        Contender(DOOR, f"http://127.0.0.1:{site.port}/audits", ours, NGINX),
    ]
    for number, (name, factory) in enumerate(served.items()):
        folder = directory / f"contender{number}"
        port = _start(stack, folder, shipped_command()[:-1], factory)
        found.append(Contender(name, f"http://127.0.0.1:{port}/audits", theirs, NGINX))
    python = peers.python(environment)
    if python is not None:
        command = [python, "-m", "gunicorn", "--threads", "4"]
        port = _start(stack, directory / "gunicorn", command, "plain:floor")
        found.append(Contender(THREADS, f"http://127.0.0.1:{port}/audits", theirs, NGINX))
    return found


def _start(stack: ExitStack, folder: Path, command: list[str], factory: str) -> int:
    """Serve a contender with one worker on one core, as the shipped unit serves; its port."""
    folder.mkdir()
    [port] = ports(1)
    process = start(
        *(*command, "benchmarks.contenders.served:application"),
        log=folder / "log",
        CONTENDER=factory,
        BENCHMARK_FOLDER=str(folder),
        GUNICORN_CMD_ARGS=f"--bind=127.0.0.1:{port} --workers=1 --no-control-socket",
        **shipped_variables("gate") | {"GRANIAN_PORT": str(port), "GRANIAN_WORKERS": "1"},
    )
    stack.callback(kill, process)
    wait_until_open(port)
    pin(process)
    return port


def _result(contenders: list[Contender], rounds: dict[str, list[Measured]], seconds: int) -> Result:
    rates = {name: [one.rate for one in measured] for name, measured in rounds.items()}
    table = Table(("over a socket", "requests/s", "p50 ms", "p99 ms", "x nginx"))
    numbers = {}
    for contender in contenders:
        rate, half, most = (median(values) for values in zip(*rounds[contender.name], strict=True))
        part = ratio(rates[contender.name], rates[contender.alone])
        table.rows.append(
            (contender.name, f"{rate:,.0f}", f"{half:.2f}", f"{most:.2f}", f"{part:.3f}")
        )
        numbers[contender.name] = {"rate": rate, "p50": half, "p99": most, "nginx": part}
    aims = [
        Aim("our door, times the constant Django view", 3, ratio(rates[DOOR], rates[CONSTANT])),
        Aim("our door, times session, user, setting row", 30, ratio(rates[DOOR], rates[ROW])),
        Aim("our door, times nginx return 302", 0.2, ratio(rates[DOOR], rates[NGINX])),
        Aim("our gate, times a plain view", 2, ratio(rates[gate.GATE], rates[gate.VIEW])),
    ]
    count = len(rates[DOOR])
    return Result(f"{count} rounds of {seconds} s", [table], EXPLANATION, numbers, aims)


if __name__ == "__main__":
    main()
