"""The wheel of the app, and those of what it needs, without a network."""

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib.metadata import Distribution, distribution
from pathlib import Path
from zipfile import ZipFile

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
# Written by the installer about the place where a package is.
_OF_THE_PLACE = {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json"}


def build_wheel(folder: Path) -> Path:
    """The wheel, built in ``folder`` from the files of this repository by its own command."""
    source = folder / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "Makefile"):
        shutil.copy(ROOT / name, source)
    unwanted = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "redirection", source / "redirection", ignore=unwanted)
    # A module that was there when the last wheel was built.
    left = source / "build" / "lib" / "redirection"
    left.mkdir(parents=True)
    (left / "gone.py").touch()
    # The packages are there: nothing is to be set up.
    (source / ".ci").mkdir()
    (source / ".ci" / "environment").symlink_to("/bin/true")
    command = ["make", "--silent", "wheel", f"BIN={Path(sys.executable).parent}"]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (wheel,) = (source / "dist").glob("*.whl")
    return wheel


def needed_by(requirements: list[str]) -> dict[str, Distribution]:
    """Every installed package that ``requirements`` need, and what these need, by name."""
    found: dict[str, Distribution] = {}
    waiting = [Requirement(text) for text in requirements]
    while waiting:
        requirement = waiting.pop()
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        package = distribution(requirement.name)
        assert requirement.specifier.contains(package.version), requirement
        if package.name not in found:
            found[package.name] = package
            waiting += [Requirement(text) for text in package.requires or ()]
    return found


def pack(package: Distribution, folder: Path) -> None:
    """The installed package as the wheel it came from, in ``folder``."""
    about = package.read_text("WHEEL") or ""
    tag = next(line for line in about.splitlines() if line.startswith("Tag: ")).removeprefix(
        "Tag: "
    )
    name = package.name.replace("-", "_")
    record = []
    with ZipFile(folder / f"{name}-{package.version}-{tag}.whl", "w") as wheel:
        for file in package.files or ():
            if ".." in file.parts or file.suffix == ".pyc" or file.name in _OF_THE_PLACE:
                continue
            wheel.write(str(file.locate()), str(file))
            record.append(f"{file},,")
        info = next(file.parts[0] for file in package.files or () if file.name == "METADATA")
        wheel.writestr(f"{info}/RECORD", "\n".join([*record, f"{info}/RECORD,,", ""]))
