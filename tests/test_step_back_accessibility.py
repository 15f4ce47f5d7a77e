"""The pages around stepping back, for every eye and hand (WCAG 2.2 AA)."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.test import Client
from playwright.sync_api import Browser

from portal.models import Person
from redirection.models import StepBack, StepBackGrant, Tenant
from tests.conftest import Switch
from tests.test_sample_accessibility import TAGS, chromium, shown
from tests.test_settings_page import PAGE, sign_in
from tests.test_settings_page_accessibility import audited
from tests.test_step_back import ASK, allow, asked, eight, followed, moved

__all__ = ["allow", "chromium", "eight", "moved"]

CONFIRM = "/cloudapps/settings/step-back"
WAYS: list[tuple[Any, int]] = [("light", 320), ("dark", 1280)]
OK = HTTPStatus.OK
Shown = Callable[[Client, Tenant], Any]

STATES: dict[str, tuple[Shown, HTTPStatus]] = {
    "ask": (lambda ada, _: ada.get(ASK, {"page": "/#/alerts/5f2a"}), OK),
    "ask again": (lambda ada, _: asked(ada, reason=""), HTTPStatus.BAD_REQUEST),
    "allow": (lambda ada, _: ada.get(f"{CONFIRM}?wanted=on"), OK),
    "forbid": (lambda ada, _: ada.get(f"{CONFIRM}?wanted=off"), OK),
    "nothing said": (
        lambda ada, tenant: ada.post(
            "/cloudapps/settings/switch-step-back",
            {"wanted": "on", "seen_revision": tenant.revision, "tid": tenant.tid},
        ),
        HTTPStatus.BAD_REQUEST,
    ),
    "card": (lambda ada, _: ada.get(PAGE), OK),
    "offer": (lambda ada, _: ada.get("/cloudapps/activity-log"), OK),
    "feedback": (lambda ada, _: ada.get("/redirection/feedback?about=/%23/audits"), OK),
    "no counterpart": (
        lambda ada, tenant: ada.get(f"/redirection/go?from=/nowhere&tid={tenant.tid}"), OK
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", STATES)
def test_nothing_is_wrong_on_any_page(
    name: str, moved: Tenant, ada: Person, destination: Client, chromium: Browser, eight: Any
) -> None:
    for reason, page in (("missing", "/#/alerts/5f2a"), ("training", "/#/files")):
        grant = StepBack.objects.begin(moved, reason, page, moved.step_back_since)  # type: ignore[arg-type]
        StepBackGrant.objects.use(grant.step_back)
    sign_in(destination, ada)
    state, status = STATES[name]
    document = state(destination, moved)
    assert document.status_code == status
    audited(chromium, document, WAYS).context.close()


def test_while_redirection_is_off_too(
    moved: Tenant, ada: Person, destination: Client, chromium: Browser, switch: Switch
) -> None:
    switch(moved, "off")
    sign_in(destination, ada)
    audited(chromium, destination.get(ASK), WAYS).context.close()


def test_the_legacy_page_and_the_refusal_too(
    moved: Tenant, ada: Person, destination: Client, legacy: Client, chromium: Browser
) -> None:
    sign_in(destination, ada)
    grant = asked(destination)
    followed(legacy, grant)
    for document in (legacy.get("/audits"), followed(Client(), grant)):
        page = shown(chromium, document, "http://contoso.portal.localhost/audits")
        for scheme, width in WAYS:
            page.emulate_media(color_scheme=scheme)
            page.set_viewport_size({"width": width, "height": 800})
            answer = Axe().run(page, options={"runOnly": {"type": "tag", "values": TAGS}})
            assert answer.response["violations"] == []
            assert page.evaluate("document.documentElement.scrollWidth") == width
        page.context.close()


def test_the_form_is_filled_in_with_the_keyboard_alone(
    moved: Tenant, ada: Person, destination: Client, chromium: Browser
) -> None:
    sign_in(destination, ada)
    page = audited(chromium, destination.get(ASK), WAYS[1:])
    page.get_by_label("Something is missing").focus()
    page.keyboard.press("ArrowDown")
    assert page.get_by_label("Something is broken or different").is_checked()
    reached = []
    for _ in range(4):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.name || document.activeElement.text"))
    assert reached[:2] == ["text", "send_feedback"]
    page.context.close()


def test_on_a_phone_the_box_stands_beside_its_label(
    moved: Tenant, ada: Person, destination: Client, chromium: Browser
) -> None:
    sign_in(destination, ada)
    for language in ("en", "de", "ar"):
        document = destination.get(ASK, headers={"accept-language": language})
        address = f"http://security.localhost{ASK}"
        page = shown(chromium, document, address, viewport={"width": 320, "height": 640})
        box = page.locator("#id_send_feedback").bounding_box()
        label = page.locator("label[for=id_send_feedback]").bounding_box()
        page.context.close()
        assert label["y"] < box["y"] + box["height"]
        assert label["x"] + label["width"] <= box["x"] or box["x"] + box["width"] <= label["x"]
