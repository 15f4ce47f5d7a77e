"""The shipped units run the program without any right that it does not need."""

from __future__ import annotations

from pathlib import Path

import pytest

UNITS = sorted((Path(__file__).parent.parent / "deploy" / "systemd").glob("*.service"))
# What systemd.exec(5) calls each of them; nothing here is ever switched off again.
SWITCHED_ON = (
    "NoNewPrivileges",
    "ProtectHome",
    "PrivateTmp",
    "PrivateDevices",
    "PrivateUsers",
    "ProtectClock",
    "ProtectControlGroups",
    "ProtectHostname",
    "ProtectKernelLogs",
    "ProtectKernelModules",
    "ProtectKernelTunables",
    "RestrictNamespaces",
    "RestrictRealtime",
    "RestrictSUIDSGID",
    "LockPersonality",
    "RemoveIPC",
)

every_unit = pytest.mark.parametrize("unit", UNITS, ids=lambda unit: str(unit.name))


def service(unit: Path) -> dict[str, list[str]]:
    """What stands in [Service], each name with all of its values."""
    text = unit.read_text(encoding="utf-8").replace("\\\n", "")
    found: dict[str, list[str]] = {}
    for line in text[text.index("[Service]") : text.index("[Install]")].splitlines():
        name, is_setting, value = line.partition("=")
        if is_setting and not line.startswith("#"):
            found.setdefault(name, []).append(value)
    return found


def test_there_are_units() -> None:
    assert len(UNITS) >= 2


@every_unit
def test_a_unit_gives_up_what_the_program_does_not_need(unit: Path) -> None:
    found = service(unit)
    assert {name: found.get(name) for name in SWITCHED_ON} == {
        name: ["yes"] for name in SWITCHED_ON
    }
    assert found["User"] == ["portal-redirection"]
    assert found["ProtectSystem"] == ["strict"]
    assert "ReadWritePaths" not in found
    assert found["UMask"] == ["0077"]
    assert found["CapabilityBoundingSet"] == [""]
    assert found["AmbientCapabilities"] == [""]
    assert found["RestrictAddressFamilies"] == ["AF_INET AF_INET6 AF_UNIX"]
    assert found["SystemCallFilter"] == ["@system-service", "~@privileged @resources"]
    assert found["SystemCallArchitectures"] == ["native"]


@every_unit
def test_a_unit_hides_the_history_of_the_source(unit: Path) -> None:
    [folder] = service(unit)["WorkingDirectory"]
    assert f"-{folder}/.git" in service(unit)["InaccessiblePaths"]


@every_unit
def test_a_unit_holds_no_secret_and_reads_no_file_of_the_checkout(unit: Path) -> None:
    found = service(unit)
    assert "ENV_FILE=/dev/null" in found["Environment"]
    assert not any("KEY" in line or "SECRET" in line for line in found["Environment"])
    assert found["EnvironmentFile"][0] == "/etc/portal-redirection/environment"


def test_the_site_does_not_start_with_debugging_on() -> None:
    [unit] = [unit for unit in UNITS if "@" in unit.name]
    assert any(
        line.endswith("manage.py check --deploy --fail-level WARNING")
        for line in service(unit)["ExecStartPre"]
    )
