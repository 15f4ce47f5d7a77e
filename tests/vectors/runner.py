"""Plays conformance vectors against anything that takes a request and gives an answer."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html import unescape
from http import HTTPStatus
from pathlib import Path
from typing import Any

from tests.vectors.cookies import Json, cookie_header, session_times

FILE = Path(__file__).with_name("decisions.jsonl")
# What the portal behind an adapter answers to everything, and to POST /save.
PORTAL_PAGE = b"the legacy page"
PORTAL_SENDS_ON = "/saved"
LEAD_ON_PATH = "/redirection/lead-on"
_CLAIM = re.compile(r"counted=[0-9a-f]{11}\.[\w-]{22}")
_LINK = re.compile(r'id="lead-on" href="([^"]*)"')
_ANSWERS = {"go": HTTPStatus.FOUND, "refuse": HTTPStatus.SERVICE_UNAVAILABLE}


@dataclass(frozen=True)
class Sent:
    """A request as a client sends it: ``target`` is what stands in its first line."""

    method: str
    host: str
    target: str
    headers: dict[str, str]


@dataclass(frozen=True)
class Received:
    """An answer as a client receives it; the names of headers in any case."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes = field(default=b"", repr=False)

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    def directives(self) -> set[str]:
        """Those of all its Cache-Control headers."""
        values = [value for name, value in self.headers if name.lower() == "cache-control"]
        return {part.strip() for value in values for part in value.split(",")}

    def cookies(self) -> dict[str, str]:
        """Name and value of each cookie it sets; a cookie taken away has an empty value."""
        found = {}
        for header, value in self.headers:
            if header.lower() == "set-cookie":
                name, _, text = value.partition(";")[0].partition("=")
                found[name.strip()] = text.strip('"')
        return found


Send = Callable[[Sent], Received]


def load() -> tuple[dict[str, Json], list[Json]]:
    """The worlds by name, and the vectors."""
    lines = [json.loads(line) for line in FILE.read_text().splitlines()]
    worlds = {line["world"]: line for line in lines if "request" not in line}
    return worlds, [line for line in lines if "request" in line]


def request_of(vector: Json, world: Json, now: int) -> Sent:
    """The vector's request, sent at ``now`` (milliseconds since the epoch)."""
    asked = vector["request"]
    headers = dict(asked["headers"])
    if asked["cookies"]:
        headers["Cookie"] = cookie_header(asked["cookies"], world["settings"], now)
    return Sent(asked["method"], asked["host"], asked["target"], headers)


def expected(vector: Json, *, ascii_only: bool = False, by_proxy: bool = True) -> Json:
    """What is expected of an adapter.

    ``ascii_only``: its server hands over no header that has a byte of 0x80 or more.
    ``by_proxy``: a proxy asks it, so that the target comes in a header too.
    """
    wanted: Json = vector["expect"]
    arrives = not ascii_only or not (by_proxy or vector["request"]["target"].isascii())
    return wanted if arrives else vector.get("expect_ascii", wanted)


def differences(
    vector: Json,
    world: Json,
    send: Send,
    now: int,
    tolerance: int = 0,
    *,
    ascii_only: bool = False,
    by_proxy: bool = True,
) -> Iterator[str]:
    """What is not as expected, a sentence each; nothing where the adapter conforms.

    ``now`` is when the request is sent, in milliseconds since the epoch, and ``tolerance`` how
    far the adapter's clock may be from it. For the others see ``expected``.
    """
    sent = request_of(vector, world, now)
    wanted = expected(vector, ascii_only=ascii_only, by_proxy=by_proxy)
    received = send(sent)
    if wanted["answer"] == "lead_on":
        yield from _leads_on(sent, received, wanted, send)
        return
    status = _ANSWERS.get(wanted["answer"], HTTPStatus.OK)
    if wanted["answer"] == "stay":
        if sent.method == "POST" and sent.target == "/save":
            status = HTTPStatus.SEE_OTHER
        elif received.body != PORTAL_PAGE and sent.method != "HEAD":
            yield f"the portal's page was expected, not {received.body[:80]!r}"
    if received.status != status:
        yield f"status is {received.status}, not {status.value}"
    if (
        wanted["decision"] is not None
        and received.header("Redirection-Decision") != wanted["decision"]
    ):
        yield f"decision is {received.header('Redirection-Decision')!r}, not {wanted['decision']!r}"
    if wanted["answer"] == "go":
        location = _CLAIM.sub("counted=*", received.header("Location") or "")
        if location != wanted["location"]:
            yield f"location is {location!r}, not {wanted['location']!r}"
    if missing := set(wanted["cache_control"]) - received.directives():
        yield f"Cache-Control lacks {sorted(missing)}"
    yield from _cookies(received.cookies(), wanted["cookies"], now, tolerance)


def _leads_on(sent: Sent, received: Received, wanted: Json, send: Send) -> Iterator[str]:
    """A page with a link, at once or at an address of its own on the same host."""
    address = received.header("Location") or ""
    if received.status == HTTPStatus.FOUND and address.startswith(LEAD_ON_PATH):
        if received.header("Redirection-Decision") != wanted["decision"]:
            yield f"decision is {received.header('Redirection-Decision')!r}"
        received = send(Sent("GET", sent.host, address, sent.headers))
    link = _LINK.search(received.body.decode())
    found = _CLAIM.sub("counted=*", unescape(link[1])) if link else None
    if (received.status, found) != (HTTPStatus.OK, wanted["location"]):
        yield f"{received.status} leads to {found}, not by a page to {wanted['location']}"
    if received.header("Redirection-Decision") != wanted["decision"]:
        yield f"decision is {received.header('Redirection-Decision')!r}, not {wanted['decision']!r}"


def _cookies(
    found: dict[str, str], wanted: dict[str, Any], now: int, tolerance: int
) -> Iterator[str]:
    if found.keys() != wanted.keys():
        yield f"cookies are {sorted(found)}, not {sorted(wanted)}"
        return
    for name, value in wanted.items():
        if isinstance(value, str):
            if value not in ("*", found[name]):
                yield f"{name} is {found[name]!r}, not {value!r}"
            continue
        times = session_times(found[name])
        if times is None:
            yield f"{name} is no session: {found[name]!r}"
        elif any(
            abs(time - now - wanted_time) > tolerance
            for time, wanted_time in zip(times, value, strict=True)
        ):
            yield f"{name} has other times: {[time - now for time in times]}, not {value}"
