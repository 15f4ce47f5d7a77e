"""What the documentation says about the environment is what the site does."""

from __future__ import annotations

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from django.core.exceptions import ImproperlyConfigured

ROOT = Path(__file__).resolve().parent.parent
ROW = re.compile(
    r"^\| `(?P<name>[A-Z_]+)` \| (?P<default>.*?) \| (?P<accepted>.*?) \| .+ \|$", re.MULTILINE
)
KEY = "a-secret-key-of-more-than-fifty-characters-for-the-tests"


def table() -> dict[str, tuple[str, str]]:
    """Default and accepted of each variable, as documented."""
    text = (ROOT / "docs" / "configuration.md").read_text()
    return {row["name"]: (row["default"], row["accepted"]) for row in ROW.finditer(text)}


def settings_with(**variables: str) -> dict[str, Any]:
    """The site's settings as they are with these variables and no others."""
    environment = {"ENV_FILE": os.devnull, "SECRET_KEY": KEY, **variables}
    with mock.patch.dict(os.environ, environment, clear=True):
        settings = runpy.run_path(str(ROOT / "portal" / "settings.py"))
    return {name: value for name, value in settings.items() if name.isupper()}


def manage_check(**variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "ENV_FILE": os.devnull, "SECRET_KEY": KEY} | variables,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_table_lists_every_variable_with_what_it_accepts() -> None:
    documented = {name: accepted for name, (_, accepted) in table().items()}
    assert documented.pop("ENV_FILE") == "path of a file"
    assert documented == settings_with()["ENVIRONMENT"].accepted


def test_a_variable_set_to_its_documented_default_changes_nothing() -> None:
    defaults = {
        name: default.strip("`")
        for name, (default, _) in table().items()
        if re.fullmatch(r"`[^`]*`", default)
    }
    assert len(defaults) > 8
    plain, spelled_out = settings_with(), settings_with(**defaults)
    assert plain.pop("ENVIRONMENT").accepted == spelled_out.pop("ENVIRONMENT").accepted
    assert plain == spelled_out


WRONG = {
    "SECRET_KEY_FALLBACKS": ["short", f"{KEY},short"],
    "DEBUG": ["maybe", "2", "onn"],
    "REDIRECTION_CLOUDS": [
        "portal.example.com",
        "[]",
        "{}",
        '{"commercial": {"legacy": ["portal.example.com"]}}',
        '{"commercial": {"legacy": ["a/b"], "destination": "https://s.example.com"}}',
        '{"commercial": {"legacy": ["p.example.com"], "destination": "https://a@s.example.com"}}',
    ],
    "REDIRECTION_REGIONS": ["EU", "eu west", "eu,west!"],
    "REDIRECTION_EXEMPT_PATHS": ["api/", "/a b/"],
    "REDIRECTION_SESSION_IDLE": ["0", "-1", "604801", "an hour", "nan", "inf", "1e9"],
    "REDIRECTION_SESSION_LIMIT": ["0", "2592001", "12h"],
    "REDIRECTION_REFRESH": ["0", "0.01", "4.1", "fast"],
    "REDIRECTION_REPORT": ["0", "0.1", "11", "often"],
    "REDIRECTION_GATE_KEY": ["short", f"{KEY},short", f"{KEY} with spaces", "é" * 32],
    "REDIRECTION_TRAFFIC_DAYS": ["30", "4001", "1.5", "all"],
    "REDIRECTION_FEEDBACK_PER_PERSON": ["0", "100001", "1.5", "many"],
    "REDIRECTION_FEEDBACK_PER_TENANT": ["0", "100001", "all"],
    "REDIRECTION_FEEDBACK_DAYS": ["30", "4001", "ever"],
    "REDIRECTION_REFUSAL_DAYS": ["0", "4001", "ever"],
    "REDIRECTION_MESSAGE_DAYS": ["6", "4001", "ever"],
    "REDIRECTION_WEBHOOKS_INSIDE": ["10.0.0.0/8"],
    "REDIRECTION_ROLES_MAX_AGE": ["0", "86401", "soon"],
    "PORTAL_SAMPLE_PAGES": ["yes please"],
    "ENTRA_AUTHORITY": [
        "login.example.com",
        "ftp://login.example.com",
        "https://login.example.com/",
        "https://login.example.com/tenant",
        "https://a@login.example.com",
        "https://login.example.com:0",
        "https://login.example.com:99999",
        "https://login.example.com; script-src *",
    ],
    "PORTAL_SESSION_LIMIT": ["59", "28801", "8h"],
    "PORTAL_SESSION_IDLE": ["59", "28801", "an hour"],
    "BEHIND_PROXY": ["127.0.0.1"],
    "STATIC_URL": ["static/", "/other/", "https://static.example.com/"],
    "LOG_LEVEL": ["info", "LOUD"],
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in WRONG.items() for value in values]
)
def test_a_wrong_value_is_refused_with_variable_value_and_what_is_accepted(
    name: str, value: str
) -> None:
    with pytest.raises(ImproperlyConfigured) as refused:
        settings_with(**{name: value})
    message = str(refused.value)
    shown = "(not shown)" if name.endswith(("KEY", "KEY_FALLBACKS")) else repr(value)
    assert message.startswith(f"{name}={shown} is not accepted")
    assert message.endswith(f"Accepted: {table()[name][1]}.")
    assert "\n" not in message


def test_every_variable_that_can_be_wrong_is_tried() -> None:
    free = {name for name, (_, accepted) in table().items() if accepted == "text"}
    secret = {"SECRET_KEY", "DATABASE_URL", "REDIS_URL", "EMAIL_URL"}
    assert set(WRONG) == set(table()) - free - secret - {"ENV_FILE"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", "hunter2"),
        ("SECRET_KEY_FALLBACKS", "hunter2"),
        ("DATABASE_URL", "mysql://portal:hunter2@db.example.com/portal"),
        ("DATABASE_URL", "postgresql://portal:hunter2@db.example.com:port/portal"),
        ("REDIS_URL", "http://:hunter2@redis.example.com"),
        ("REDIS_URL", "redis://:hunter2@redis.example.com:port/0"),
        ("REDIS_URL", "redis://"),
        ("DATABASE_URL", "hunter2"),
        ("DATABASE_URL", "//hunter2"),
        ("DATABASE_URL", "sqlite://hunter2/portal"),
        ("DATABASE_URL", "sqlite:///"),
        ("DATABASE_URL", "postgresql://portal:hunter2@db.example.com"),
        ("EMAIL_URL", "hunter2"),
        ("EMAIL_URL", "imap://portal:hunter2@mail.example.com"),
        ("EMAIL_URL", "smtp://portal:hunter2@mail.example.com:port"),
    ],
)
def test_a_wrong_secret_is_refused_without_being_shown(name: str, value: str) -> None:
    with pytest.raises(ImproperlyConfigured) as refused:
        settings_with(**{name: value})
    accepted = table()[name][1]
    assert str(refused.value) == f"{name}=(not shown) is not accepted. Accepted: {accepted}."


def test_destinations_of_two_schemes_are_refused() -> None:
    clouds = (
        '{"a": {"legacy": ["a.example.com"], "destination": "https://a.example.org"},'
        ' "b": {"legacy": ["b.example.com"], "destination": "http://b.example.org"}}'
    )
    with pytest.raises(ImproperlyConfigured, match=r"^REDIRECTION_CLOUDS mixes http and https"):
        settings_with(REDIRECTION_CLOUDS=clouds)


@pytest.mark.parametrize(
    ("variables", "line"),
    [
        ({"SECRET_KEY": ""}, "SECRET_KEY is not set. Accepted: text of at least 50 characters."),
        ({"SECRET_KEY": "hunter2"}, "SECRET_KEY=(not shown) is not accepted."),
        ({"LOG_LEVEL": "LOUD"}, "LOG_LEVEL='LOUD' is not accepted."),
    ],
)
def test_a_wrong_value_stops_the_start_with_one_line(variables: dict[str, str], line: str) -> None:
    result = manage_check(**variables)
    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr.startswith(line)
    assert result.stderr.count("\n") == 1


def test_the_site_starts_with_a_secret_key_alone() -> None:
    result = manage_check()
    assert result.stderr == ""
    assert result.returncode == 0


def test_variables_come_from_a_file_and_those_of_the_environment_win(tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_text("LOG_LEVEL=ERROR\nREDIRECTION_REFRESH=3\n")
    settings = settings_with(ENV_FILE=str(file), LOG_LEVEL="WARNING")
    assert settings["LOGGING"]["root"]["level"] == "WARNING"
    assert settings["REDIRECTION_REFRESH"] == 3


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("filemail:///var/mail%20here", {"EMAIL_FILE_PATH": "/var/mail here"}),
        ("consolemail://", {"EMAIL_BACKEND": "django.core.mail.backends.console.EmailBackend"}),
        (
            "smtp+tls://portal:hunter2@mail.example.com:587",
            {
                "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
                "EMAIL_HOST": "mail.example.com",
                "EMAIL_PORT": 587,
                "EMAIL_HOST_USER": "portal",
                "EMAIL_HOST_PASSWORD": "hunter2",
                "EMAIL_USE_TLS": True,
            },
        ),
    ],
)
def test_mail_is_sent_as_the_address_says(url: str, expected: dict[str, Any]) -> None:
    settings = settings_with(EMAIL_URL=url)
    assert settings["REDIRECTION_SENDS_MAIL"]
    assert expected.items() <= settings.items()


def test_a_missing_file_is_no_error(tmp_path: Path) -> None:
    assert settings_with(ENV_FILE=str(tmp_path / "nowhere"))["DEBUG"] is False


def test_https_destinations_keep_every_cookie_on_https() -> None:
    settings = settings_with()
    assert settings["SESSION_COOKIE_SECURE"]
    assert settings["CSRF_COOKIE_SECURE"]
    assert settings["REDIRECTION_SESSION_COOKIE_SECURE"]
    assert settings["SECURE_SSL_REDIRECT"]


def test_every_configured_host_is_served_and_no_other() -> None:
    clouds = '{"a": {"legacy": ["old.example.com"], "destination": "https://new.example.org"}}'
    assert settings_with(REDIRECTION_CLOUDS=clouds)["ALLOWED_HOSTS"] == [
        "new.example.org",
        ".old.example.com",
    ]


def test_only_behind_a_proxy_its_word_on_https_counts() -> None:
    assert "SECURE_PROXY_SSL_HEADER" not in settings_with()
    assert "SECURE_PROXY_SSL_HEADER" in settings_with(BEHIND_PROXY="on")


def test_sqlite_keeps_an_acknowledged_change_and_lets_readers_read() -> None:
    options = settings_with()["DATABASES"]["default"]["OPTIONS"]
    assert "journal_mode=WAL" in options["init_command"]
    assert "synchronous=FULL" in options["init_command"]


def test_postgresql_is_a_matter_of_the_address() -> None:
    store = settings_with(DATABASE_URL="postgresql://ann:pw@db.example.com:5433/portal")
    database = store["DATABASES"]["default"]
    assert database["ENGINE"] == "django.db.backends.postgresql"
    assert (database["HOST"], database["PORT"]) == ("db.example.com", 5433)
