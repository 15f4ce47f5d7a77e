"""The folder that holds everything the demo writes."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jwcrypto import jwk

from portal.demo import environment
from portal.demo.errors import DemoError

KEY = "provider-key.pem"
_LOCK = "lock"
_DATABASES = ("portal.sqlite3", "provider.sqlite3")


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Hold the folder for one demo at a time. Raises DemoError if another one runs in it."""
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / _LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DemoError(f"A demo already runs in {directory}. End it with Ctrl+C.") from None
        yield


def write_signing_key(directory: Path) -> None:
    """The provider's RSA key, made once."""
    path = directory / KEY
    if path.exists():
        return
    pem = jwk.JWK.generate(kty="RSA", size=2048).export_to_pem(private_key=True, password=None)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
        file.write(pem)


def reset(directory: Path) -> None:
    """Remove what the demo wrote, and nothing else. Raises DemoError if it runs."""
    with locked(directory):
        for name in _DATABASES:
            for suffix in ("", "-wal", "-shm", "-journal"):
                (directory / f"{name}{suffix}").unlink(missing_ok=True)
        (directory / KEY).unlink(missing_ok=True)
        shutil.rmtree(directory / "static", ignore_errors=True)
        env_file = environment.file_for(directory)
        if environment.is_ours(env_file):
            env_file.unlink()
        (directory / _LOCK).unlink()
    if not any(directory.iterdir()):
        directory.rmdir()
