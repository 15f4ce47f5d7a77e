"""The demo's environment file: written once, its secrets kept, its port renewed."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path
from urllib.parse import quote

from portal.demo.errors import DemoError

BASE_DIR = Path(__file__).resolve().parents[2]
DEFAULT_DIRECTORY = BASE_DIR / "var" / "demo"
MARKER = "# Written by portal.demo; lines you add are kept."

LEGACY_DOMAIN = "portal.localhost"
DESTINATION_HOST = "security.localhost"
CLIENT_ID = "2f8d1c64-90b3-4d57-8e0a-5b71c6a4e904"


def file_for(directory: Path) -> Path:
    """The environment file of a demo directory: for the default one that of ``manage.py``."""
    return (BASE_DIR if directory == DEFAULT_DIRECTORY else directory) / ".env"


def is_ours(path: Path) -> bool:
    """Whether the demo wrote this file."""
    try:
        with path.open(encoding="utf-8") as lines:
            return lines.readline().rstrip("\n") == MARKER
    except FileNotFoundError:
        return False


def write(directory: Path, port: int) -> dict[str, str]:
    """Write the file for ``port`` and return its variables.

    Raises DemoError where somebody else's file is in the way.
    """
    path = file_for(directory)
    if path.exists() and not is_ours(path):
        raise DemoError(f"{path} was not written by the demo. Move it away, or use --directory.")
    kept = _read(path)
    variables = _chosen_once() | kept | _renewed(directory, port)
    text = "\n".join([MARKER, *(f"{name}={value}" for name, value in variables.items()), ""])
    new = path.with_name(".env.new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    new.replace(path)
    return variables


def _read(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    lines = path.read_text(encoding="utf-8").splitlines()
    pairs = (line.partition("=") for line in lines if "=" in line and not line.startswith("#"))
    return {name.strip(): value.strip() for name, _, value in pairs}


def _chosen_once() -> dict[str, str]:
    return {
        "SECRET_KEY": secrets.token_urlsafe(48),
        "ENTRA_CLIENT_ID": CLIENT_ID,
        "ENTRA_CLIENT_SECRET": secrets.token_urlsafe(32),
        "DEMO_PROVIDER_SECRET_KEY": secrets.token_urlsafe(48),
        "DEMO_OPERATOR_PASSWORD": secrets.token_urlsafe(12),
        "PORTAL_SAMPLE_PAGES": "on",
        "LOG_LEVEL": "WARNING",
    }


def _renewed(directory: Path, port: int) -> dict[str, str]:
    destination = f"http://{DESTINATION_HOST}:{port}"
    clouds = {"commercial": {"legacy": [LEGACY_DOMAIN], "destination": destination}}
    return {
        "DATABASE_URL": f"sqlite:///{quote(str(directory / 'portal.sqlite3'))}",
        "STATIC_ROOT": str(directory / "static"),
        "REDIRECTION_CLOUDS": json.dumps(clouds),
        # Mail is written into files there, so that it can be read without a mail server.
        "EMAIL_URL": f"filemail://{quote(str(directory / 'mail'))}",
        "REDIRECTION_WEBHOOKS_INSIDE": "on",
        "ENTRA_AUTHORITY": f"http://127.0.0.1:{port + 1}",
        "DEMO_DIRECTORY": str(directory),
        "DEMO_PORTALS": f"{destination},http://{LEGACY_DOMAIN}:{port}",
    }
