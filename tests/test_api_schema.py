"""What programs ask answers as docs/openapi.yaml says, whatever it is asked."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import schemathesis
import yaml
from django.test import Client
from django.urls import URLPattern, get_resolver
from hypothesis import HealthCheck, given, settings
from pytest_django.fixtures import Settings
from schemathesis import GenerationMode

from portal.wsgi import application
from redirection import gate
from redirection.models import Tenant
from tests.conftest import Switch

ROOT = Path(__file__).parent.parent
DESCRIBED = yaml.safe_load((ROOT / "docs/openapi.yaml").read_text())
# What is described, and what is not: without parameters there is nothing wrong to send.
QUESTIONS = [
    (path, method, kind)
    for path, item in DESCRIBED["paths"].items()
    for method, described in item.items()
    for kind in (GenerationMode if "parameters" in described else [GenerationMode.POSITIVE])
]
# For people, or described beside the pages they belong to.
PAGES = {
    "close-banner",
    "end-step-back",
    "feedback",
    "feedback/<int:number>",
    "feedback/<int:number>/screenshot",
    "lead-on",
    "my-feedback",
    "step-back",
}
HOST = "contoso.portal.localhost"
KEY = "the-key-of-the-gate-that-the-schema-test-knows"


@pytest.fixture
def described(
    contoso: Tenant, switch: Switch, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Any:
    """The schema, asked of the site with its door; redirection of contoso is on."""
    settings.REDIRECTION_GATE_KEY = KEY
    for name in ("_without_key", "_failures"):
        monkeypatch.setattr(gate, name, gate.Rarely())
    switch(contoso, "on")
    schema = schemathesis.openapi.from_dict(DESCRIBED)
    schema.app = application
    return schema


def ask(schema: Any, path: str, method: str, kind: GenerationMode, examples: int) -> None:
    """Ask ``examples`` times; raises where an answer is none that is described."""

    @given(case=schema[path][method].as_strategy(generation_mode=kind))
    @settings(
        max_examples=examples,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
    def answered(case: Any) -> None:
        headers = {"Host": HOST}
        # Nobody guesses the key, and most answers come after it. What is wrong stays wrong.
        if path == gate.PATH and "Gatekey" in case.headers:
            headers["Gatekey"] = KEY
            if kind is GenerationMode.POSITIVE and len(case.headers["Gatehost"]) % 3:
                headers["Gatehost"] = HOST
        case.call_and_validate(headers=headers)

    answered()


@pytest.mark.parametrize(("path", "method", "kind"), QUESTIONS)
def test_every_answer_is_one_that_is_described(
    described: Any, path: str, method: str, kind: GenerationMode
) -> None:
    ask(described, path, method, kind, 15)


@pytest.mark.long
@pytest.mark.parametrize(("path", "method", "kind"), QUESTIONS)
def test_every_one_of_many_answers_is_described(
    described: Any, path: str, method: str, kind: GenerationMode
) -> None:
    ask(described, path, method, kind, int(os.environ.get("SCHEMA_EXAMPLES", "150")))


def test_what_is_not_described_is_found(described: Any) -> None:
    told = DESCRIBED["paths"]["/redirection/ready"]["get"]["responses"]["200"]
    other = {**told, "content": {"application/json": {"schema": {"required": ["uptime"]}}}}
    changed = {"/redirection/ready": {"get": {"responses": {"200": other}}}}
    schema = schemathesis.openapi.from_dict({**DESCRIBED, "paths": changed})
    schema.app = application
    with pytest.raises(BaseExceptionGroup, match="uptime"):
        ask(schema, "/redirection/ready", "get", GenerationMode.POSITIVE, 1)


def test_every_address_that_is_no_page_is_described() -> None:
    ours = {
        str(found.pattern).removeprefix("redirection/")
        for found in get_resolver("redirection.legacy_urls").url_patterns
        if isinstance(found, URLPattern)
    }
    assert {path.removeprefix("/redirection/") for path in DESCRIBED["paths"]} - {"gate"} == (
        ours - PAGES
    )
    assert ours >= PAGES


def test_whatever_answers_with_json_is_described(
    contoso: Tenant, switch: Switch, legacy: Client
) -> None:
    switch(contoso, "off")
    answers = {
        path: legacy.get(path).headers.get("Content-Type", "")
        for path in (f"/redirection/{name}" for name in PAGES if "<" not in name)
    }
    assert [path for path, kind in answers.items() if "json" in kind] == []
