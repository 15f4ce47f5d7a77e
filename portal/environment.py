"""Reads the environment with django-environ; a wrong value says variable, value and remedy."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

T = TypeVar("T")
_BOOLEANS = {"on": True, "true": True, "1": True, "off": False, "false": False, "0": False}
_REQUIRED = object()
_SECRETS = ("SECRET", "PASSWORD", "DATABASE_URL", "REDIS_URL", "GATE_KEY", "EMAIL_URL")


@dataclass
class Environment:
    """The variables a settings file reads; ``accepted`` remembers each with what it takes."""

    env: environ.Env = field(default_factory=environ.Env)
    accepted: dict[str, str] = field(default_factory=dict)

    def load(self, path: Path) -> None:
        """Take variables from a file; those already set win. A missing file is no error."""
        if path.is_file():
            self.env.read_env(path)

    def text(self, name: str, default: Any = _REQUIRED, *, shortest: int = 0) -> str:
        accepted = f"text of at least {shortest} characters" if shortest else "text"

        def parse(value: str) -> str:
            if len(value) < shortest:
                raise ValueError
            return value

        return self._read(name, default, accepted, parse)

    def choice(self, name: str, default: str, choices: tuple[str, ...]) -> str:
        def parse(value: str) -> str:
            if value not in choices:
                raise ValueError
            return value

        return self._read(name, default, ", ".join(choices), parse)

    def boolean(self, name: str, default: bool) -> bool:
        return self._read(name, default, "on or off", lambda value: _BOOLEANS[value.lower()])

    def seconds(self, name: str, default: float, least: float, most: float) -> float:
        """A duration in seconds."""

        def parse(value: str) -> float:
            number = float(value)
            if not least <= number <= most:
                raise ValueError
            return number

        return self._read(name, default, f"seconds, {least:.10g} to {most:.10g}", parse)

    def whole_seconds(self, name: str, default: int, least: int, most: int) -> int:
        """A duration in whole seconds; a part of a second is left out."""
        return int(self.seconds(name, default, least, most))

    def days(self, name: str, default: int, least: int, most: int) -> int:
        """A number of whole days."""
        return self.number(name, default, least, most, "days")

    def number(
        self, name: str, default: int, least: int, most: int, what: str = "a whole number"
    ) -> int:
        """A whole number of what the error calls ``what``."""

        def parse(value: str) -> int:
            number = int(value)
            if not least <= number <= most:
                raise ValueError
            return number

        return self._read(name, default, f"{what}, {least} to {most}", parse)

    def names(self, name: str, default: tuple[str, ...], pattern: str, what: str) -> list[str]:
        """A comma-separated list whose items match ``pattern``."""

        def parse(value: str) -> list[str]:
            items = [item.strip() for item in value.split(",") if item.strip()]
            if not all(re.fullmatch(pattern, item) for item in items):
                raise ValueError
            return items

        return list(self._read(name, default, f"{what}, separated by commas", parse))

    def origin(self, name: str, default: str) -> str:
        """Scheme, host and port of a web address, without a path."""

        def parse(value: str) -> str:
            # The value also goes into a header: a name and a port, nothing else.
            if not re.fullmatch(r"https?://([a-z0-9.-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?", value):
                raise ValueError
            if urlsplit(value).port == 0:
                raise ValueError
            return value

        return self._read(name, default, "an origin such as https://login.example.com", parse)

    def address(self, name: str, default: str, schemes: tuple[str, ...], accepted: str) -> str:
        """The address of a server, with a name and password if it asks for them."""

        def parse(value: str) -> str:
            parts = urlsplit(value)
            # A wrong port raises when it is asked for.
            if parts.scheme not in schemes or not parts.hostname or parts.port == 0:
                raise ValueError
            return value

        return self._read(name, default, accepted, parse)

    def json(
        self, name: str, default: Any, accepted: str, problems: Callable[[Any], list[str]]
    ) -> Any:
        """JSON that ``problems`` finds nothing wrong with."""

        def parse(value: str) -> Any:
            document = json.loads(value)
            found = problems(document)
            if found:
                raise ValueError(found[0])
            return document

        return self._read(name, default, accepted, parse)

    def database(self, name: str, default: str) -> dict[str, Any]:
        """A database address, as Django's ``DATABASES`` entry."""

        def parse(value: str) -> dict[str, Any]:
            if not re.fullmatch(r"sqlite:///.+|postgresql://[^/]*/.+", value):
                raise ValueError
            return dict(self.env.db_url_config(value))

        accepted = "sqlite:///PATH or postgresql://USER:PASSWORD@HOST:PORT/NAME"
        return self._read(name, parse(default), accepted, parse)

    def mail(self, name: str) -> dict[str, Any]:
        """How mail is sent, as Django's settings that begin with ``EMAIL_``; empty without it."""

        def parse(value: str) -> dict[str, Any]:
            if not re.fullmatch(r"smtp(\+(tls|ssl))?://[^/]+|filemail:///.+|consolemail://", value):
                raise ValueError
            settings = {
                name: found
                for name, found in self.env.email_url_config(value).items()
                if name.startswith("EMAIL_")
            }
            if value.startswith("filemail:"):
                # The library takes the first slash away, and so the folder for a relative one.
                settings["EMAIL_FILE_PATH"] = unquote(urlsplit(value).path)
            return settings

        accepted = "smtp+tls://USER:PASSWORD@HOST:PORT, filemail:///FOLDER or consolemail://"
        return self._read(name, {}, accepted, parse)

    def _read(self, name: str, default: Any, accepted: str, parse: Callable[[str], T]) -> T:
        self.accepted[name] = accepted
        value = self.env.str(name, default="")
        if value == "":
            if default is _REQUIRED:
                raise ImproperlyConfigured(f"{name} is not set. Accepted: {accepted}.")
            return default  # type: ignore[no-any-return]
        try:
            return parse(value)
        except (ValueError, KeyError, environ.ImproperlyConfigured) as error:
            # What a parser complains about may quote the secret, too.
            secret = any(word in name for word in _SECRETS)
            shown = "(not shown)" if secret else repr(value)
            detail = (
                f" ({error})" if type(error) is ValueError and str(error) and not secret else ""
            )
            raise ImproperlyConfigured(
                f"{name}={shown} is not accepted{detail}. Accepted: {accepted}."
            ) from None
