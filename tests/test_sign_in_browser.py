"""Sign-in in a real browser against a provider over https, while roles change over there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser import PATIENCE, Demo, running_demo, sign_in, sign_in_on_legacy
from tests.demo_process import certified, free_port, provider_over_https

SETTINGS = "/cloudapps/settings?tabid=autoRedirection"
ADA = "Ada Cloud App Security Administrator of contoso"
ROLES_MAX_AGE = 2


class StrictDemo(Demo):
    """A demo whose provider is behind TLS, and whose roles are soon too old for a change."""

    provider: str


@pytest.fixture(scope="module")
def strict_demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StrictDemo]:
    directory = tmp_path_factory.mktemp("strict_demo")
    port = free_port()
    address = f"https://127.0.0.1:{port}"
    variables = {
        "ENTRA_AUTHORITY": address,
        "ENTRA_CA_FILE": str(certified(directory)),
        "REDIRECTION_ROLES_MAX_AGE": str(ROLES_MAX_AGE),
    }
    for demo in running_demo(directory, **variables):
        with provider_over_https(directory, port):
            strict = StrictDemo(demo.port, demo.directory, demo.shell)
            strict.provider = address
            yield strict


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    """A browser just started, which takes the certificate of the test."""
    with chromium.new_context(ignore_https_errors=True) as context:
        context.set_default_timeout(PATIENCE)
        yield context


@pytest.fixture
def adas(strict_demo: StrictDemo, page: Page) -> Iterator[Page]:
    """Ada has typed a reason and hesitated until her roles are too old; hers are back after."""
    strict_demo.command(
        "switch_redirection", "contoso", "off", "--kind", "trial", "--reason", "The test begins"
    )
    sign_in(page, strict_demo.url("security", SETTINGS), ADA)
    page.get_by_role("switch", name="Automatic redirection").click()
    page.get_by_label("Kind of reason").select_option("ready")
    page.get_by_label("In your words").fill("Typed with care")
    page.wait_for_timeout(ROLES_MAX_AGE * 1000 + 200)
    yield page
    roles = page.context.new_page()
    roles.goto(f"{strict_demo.provider}/roles")
    if roles.get_by_role("button", name="Ada of contoso has no role").count():
        roles.get_by_role("button", name="Ada of contoso has no role").click()


def expect_the_form_back(page: Page, demo: Demo) -> None:
    expect(page.get_by_label("Kind of reason")).to_have_value("ready")
    expect(page.get_by_label("In your words")).to_have_value("Typed with care")
    expect(page.get_by_role("status").first).to_contain_text("Check what you typed and send")
    assert page.url.startswith(demo.url("security", SETTINGS))


def test_old_roles_are_asked_for_unseen_and_the_change_is_made(
    strict_demo: StrictDemo, adas: Page
) -> None:
    pages = []
    adas.on("framenavigated", lambda frame: pages.append(frame.url))
    adas.get_by_role("button", name="Switch on").click()
    expect_the_form_back(adas, strict_demo)
    # Nothing of the provider was shown on the way.
    assert not [address for address in pages if address.startswith(strict_demo.provider)]

    switched = adas.get_by_role("status").filter(has_text="Automatic redirection is on.")
    for _ in range(5):
        # On a slow machine they are too old again by the time they are back.
        with adas.expect_navigation(url="**/cloudapps/settings?**"):
            adas.get_by_role("button", name="Switch on").click()
        if switched.count():
            break
    expect(switched).to_be_visible()


def test_a_role_taken_away_at_the_provider_makes_no_change(
    strict_demo: StrictDemo, adas: Page
) -> None:
    roles = adas.context.new_page()
    roles.goto(f"{strict_demo.provider}/roles")
    roles.get_by_role("button", name="Ada of contoso is").click()
    expect(roles.get_by_role("button", name="Ada of contoso has no role")).to_be_visible()

    adas.get_by_role("button", name="Switch on").click()

    expect(adas.get_by_text("Your roles in Contoso do not allow this.")).to_be_visible()
    adas.goto(strict_demo.url("security", SETTINGS))
    expect(adas.get_by_text("Your roles in Contoso do not allow this.")).to_be_visible()


def test_somebody_no_longer_signed_in_over_there_is_asked_and_keeps_the_form(
    strict_demo: StrictDemo, adas: Page
) -> None:
    adas.context.clear_cookies(name="demo_entra_session")
    adas.get_by_role("button", name="Switch on").click()
    adas.get_by_role("button", name=ADA).click()

    expect_the_form_back(adas, strict_demo)


def test_somebody_else_cannot_answer_for_them(strict_demo: StrictDemo, adas: Page) -> None:
    adas.context.clear_cookies(name="demo_entra_session")
    adas.get_by_role("button", name="Switch on").click()
    adas.get_by_role("button", name="Gloria Global Administrator of contoso").click()

    expect(adas.get_by_text("Somebody else is already signed in")).to_be_visible()
    adas.goto(strict_demo.url("security", SETTINGS))
    expect(adas.get_by_text("Ada (Cloud App Security Administrator)").first).to_be_visible()
    expect(adas.get_by_role("switch")).to_have_attribute("aria-checked", "false")


def test_a_sign_out_over_there_ends_the_sessions_of_both_portals(
    strict_demo: StrictDemo, page: Page
) -> None:
    strict_demo.switch("contoso", "off")
    sign_in(page, strict_demo.url("security", SETTINGS), ADA)
    legacy = page.context.new_page()
    sign_in_on_legacy(legacy, strict_demo, ADA)

    provider = page.context.new_page()
    provider.goto(strict_demo.provider)
    with provider.expect_response("**/auth/front-channel-logout?*"):
        provider.get_by_role("button", name="Sign out of Entra ID").click()
    expect(provider.get_by_role("heading", name="You are signed out")).to_be_visible()

    page.goto(strict_demo.url("security", SETTINGS))
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    legacy.reload()
    expect(legacy.get_by_role("link", name="Sign in")).to_be_visible()
