"""The environment of the peers, the programs of others that ours is compared with.

``make bench`` calls it first: ``python -m benchmarks.peers``. What is measured runs without them,
too: where they cannot be installed, one line says which rows are missing and why.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "var" / "peers" / ".venv"
LOCK = ROOT / "requirements-peers.txt"


def main() -> None:
    parser = argparse.ArgumentParser(description="Install the peers of the benchmarks.")
    parser.add_argument("--peers", type=Path, default=FOLDER, help="their environment")
    parser.add_argument("--lock", type=Path, default=LOCK, help="what is installed")
    arguments = parser.parse_args()
    if problem := install(arguments.peers, arguments.lock):
        print(f"No peers are compared: {problem}", file=sys.stderr)


def install(folder: Path, lock: Path) -> str:
    """Make the environment, unless it is there as locked; why it cannot be used, or nothing."""
    try:
        wanted = f"{sys.version} {hashlib.sha256(lock.read_bytes()).hexdigest()}"
        folder.mkdir(parents=True, exist_ok=True)
        with (folder.parent / "installing").open("w") as once:
            # Two at once: the second waits and finds the work done.
            fcntl.flock(once, fcntl.LOCK_EX)
            return _install(folder, lock, wanted)
    except OSError as error:
        return str(error)


def python(folder: Path) -> str | None:
    """The peers' Python; None where they are not installed."""
    return str(folder / "bin" / "python") if (folder / "installed").is_file() else None


def _install(folder: Path, lock: Path, wanted: str) -> str:
    stamp = folder / "installed"
    if stamp.is_file() and stamp.read_text() == wanted:
        return ""
    stamp.unlink(missing_ok=True)
    print(f"Installing the peers of {lock.name} (only the first time) ...", flush=True)
    try:
        venv.create(folder, clear=True, with_pip=True, symlinks=True)
    except subprocess.CalledProcessError as error:
        return f"no environment could be made ({error})"
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--no-input"]
    options = ["--disable-pip-version-check", "--require-hashes", "--only-binary", ":all:"]
    done = subprocess.run(  # noqa: S603 (nothing of it comes from outside)
        [*pip, *options, "--requirement", str(lock)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        return errors[-1] if errors else f"pip ended with {done.returncode}"
    stamp.write_text(wanted)
    return ""


if __name__ == "__main__":
    main()
