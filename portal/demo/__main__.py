"""The demo on one machine, without a network: ``python -m portal.demo [--port N]``.

Prepares an environment file and the data, then runs the portal and a stand-in for Entra ID
until Ctrl+C. Exit codes: 0 ended by Ctrl+C or SIGTERM, 1 something failed, 2 it cannot start.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from portal.demo import directory as folder, environment
from portal.demo.environment import DEFAULT_DIRECTORY, DESTINATION_HOST, LEGACY_DOMAIN
from portal.demo.errors import DemoError
from portal.demo.processes import Children, require_free

GUIDE = """\
Portal redirection, demo. Sign in as anybody: the stand-in for Entra ID asks for no password.

  Destination      http://{destination}:{port}/cloudapps/settings?tabid=autoRedirection
  Legacy, contoso  http://contoso.{legacy}:{port}/
  Legacy, fabrikam http://fabrikam.{legacy}:{port}/

Try:
  1. Open contoso's legacy portal, sign in as any of its people, and leave the tab open.
  2. Open the destination as Ada (Cloud App Security Administrator) and switch redirection on.
  3. The old tab goes on working; a new tab leads to the destination, fabrikam's do not.
  4. Allow "Opening the old page for one task" below the switch. Whoever is redirected then finds
     "Open the old page for one task" in the header of the destination.
  5. Open http://contoso.{legacy}:{port}/#/somewhere/new in a new tab: it has no counterpart.
     As operator find it under "Unmatched links" and make a rule of it.
  6. As operator choose "Explain a decision": why any address stays or goes.
  7. Give feedback about any page. As Ada see it under "What people report"; as operator answer it
     under "Troubles", once for both organisations. Whoever sent it finds the answer.

Take a role away   http://127.0.0.1:{provider}/roles
Operator pages     http://{destination}:{port}/admin/   {operator} / {password}
From a shell       {command}
End with Ctrl+C. The next start keeps the data.
"""


def main() -> int:
    arguments = _parser().parse_args()
    directory: Path = arguments.directory.resolve()
    # Secrets and people's sessions are nobody else's business, also on a shared machine.
    os.umask(0o077)
    try:
        if arguments.reset:
            folder.reset(directory)
            print("Nothing of the demo's data is left.")
        else:
            _start(directory, arguments.port, arguments.workers)
    except DemoError as error:
        print(f"demo: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def _start(directory: Path, port: int, workers: int) -> None:
    for number in (port, port + 1):
        require_free(number)
    with folder.locked(directory):
        variables = environment.write(directory, port)
        folder.write_signing_key(directory)
        env_file = environment.file_for(directory)
        with Children(_environment(variables, env_file)) as children:
            _run(children, port, workers, variables, env_file)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m portal.demo", description=__doc__)
    parser.add_argument(
        "--port", type=_port, default=8000, help="of the portal; the stand-in takes the next one"
    )
    # Two, so that the receipt of a change has somebody to wait for.
    parser.add_argument(
        "--workers", type=int, default=2, choices=range(1, 9), help="processes of the portal"
    )
    parser.add_argument(
        "--directory", type=Path, default=DEFAULT_DIRECTORY, help="where the data is kept"
    )
    parser.add_argument("--reset", action="store_true", help="remove the demo's data, and end")
    return parser


def _port(text: str) -> int:
    port = int(text) if text.isascii() and text.isdigit() else 0
    if not 1 <= port <= 65534:
        raise argparse.ArgumentTypeError("choose a port from 1 to 65534")
    return port


def _environment(variables: dict[str, str], env_file: Path) -> dict[str, str]:
    """What the children see: the file, and over it what the caller has set."""
    return {
        **variables,
        **os.environ,
        **{name: value for name, value in variables.items() if name.startswith("DEMO_")},
        "ENV_FILE": str(env_file),
        "DJANGO_SETTINGS_MODULE": "portal.settings",
        # A proxy of the machine has no business between two processes of it.
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
    }


def _run(
    children: Children, port: int, workers: int, variables: dict[str, str], env_file: Path
) -> None:
    children.start("preparing the portal", "portal.demo.prepare", "portal")
    children.start("preparing the stand-in", "portal.demo.prepare", "provider")
    children.finish("preparing the portal", "preparing the stand-in")
    if children.stopped_after(0):
        return
    children.serve("the portal", "portal.wsgi:application", port, threads=4, workers=workers)
    children.serve("the stand-in", "portal.demo.provider.wsgi:application", port + 1, threads=2)
    children.start("the sender of messages", "django", "send_messages")
    children.wait_for(port, DESTINATION_HOST, "/auth/sign-in")
    children.wait_for(port + 1, "127.0.0.1", "/organizations/v2.0/.well-known/openid-configuration")
    if children.stopped_after(0):
        return
    print(_guide(port, variables, env_file))
    print("Ready.", flush=True)
    children.watch()


def _guide(port: int, variables: dict[str, str], env_file: Path) -> str:
    prefix = "" if env_file.parent == environment.BASE_DIR else f"ENV_FILE={env_file} "
    return GUIDE.format(
        port=port,
        provider=port + 1,
        destination=DESTINATION_HOST,
        legacy=LEGACY_DOMAIN,
        operator="operator",
        password=variables["DEMO_OPERATOR_PASSWORD"],
        command=f"{prefix}.venv/bin/python manage.py switch_redirection contoso on "
        "--kind trial --reason Test",
    )


if __name__ == "__main__":
    sys.exit(main())
