"""Tabs and sessions in a real browser, on a legacy portal that is not ours."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from redirection import legacy_sessions
from redirection.conf import conf
from tests.browser import CHROMIUM_ARGUMENTS, PATIENCE
from tests.foreign_portal import ANSWERS, ForeignPortal, allow_django_beside_a_browser, portal
from tests.portal_script_twin import KEY, moves_on

__all__ = ["allow_django_beside_a_browser", "portal"]

SCRIPT = Path(__file__).parent.parent / "redirection" / "static" / "redirection" / "portal.js"


def stays(page: Page, portal: ForeignPortal, path: str = "/files", host: str = "contoso") -> None:
    page.goto(portal.url(host, path))
    page.wait_for_load_state()
    assert page.url == portal.url(host, path)
    expect(page.locator("h1")).to_have_text(path)


def goes(page: Page, portal: ForeignPortal, path: str = "/files", host: str = "contoso") -> None:
    page.goto(portal.url(host, path), wait_until="commit")
    page.wait_for_url(portal.url("security", "/**"), wait_until="commit")


def new_tab(context: BrowserContext, page: Page, link: str) -> Page:
    with context.expect_page() as opened:
        page.get_by_role("link", name=link, exact=True).click()
    return opened.value


def session_cookie(context: BrowserContext, portal: ForeignPortal) -> Any:
    name = legacy_sessions.cookie_name(conf(), str(portal.tenant.tid))
    return next(cookie for cookie in context.cookies() if cookie["name"] == name)


def test_a_sign_out_in_another_tab_ends_the_session_of_all(
    portal: ForeignPortal, page: Page, context: BrowserContext
) -> None:
    stays(page, portal)
    portal.switch("on")
    with page.expect_popup() as opened:
        page.evaluate("void window.open('/files')")
    opened.value.get_by_role("button", name="Sign out").click()
    opened.value.wait_for_url(portal.url("security", "/**"), wait_until="commit")
    # What is open stays readable, and what is typed can still be sent.
    page.get_by_label("Text").fill("Typed after the sign-out")
    page.get_by_role("button", name="Save").click()
    page.wait_for_url(portal.url("security", "/**"), wait_until="commit")
    assert ANSWERS == ["Typed after the sign-out"]


def test_a_window_with_an_opener_stays_and_one_without_goes(
    portal: ForeignPortal, page: Page, context: BrowserContext
) -> None:
    stays(page, portal)
    portal.switch("on")
    for how in ("void window.open('/files')", "void window.open('/files', '', 'popup')"):
        with page.expect_popup() as opened:
            page.evaluate(how)
        expect(opened.value.locator("h1")).to_have_text("/files")
        opened.value.reload()
        assert opened.value.url == portal.url(path="/files")
    new_tab(context, page, "New tab").wait_for_url(
        portal.url("security", "/**"), wait_until="commit"
    )
    with context.expect_page() as opened_alone:
        page.evaluate("void window.open('/files', '', 'noopener')")
    opened_alone.value.wait_for_url(portal.url("security", "/**"), wait_until="commit")


def test_a_deleted_or_forged_cookie_is_no_session(
    portal: ForeignPortal, page: Page, context: BrowserContext
) -> None:
    stays(page, portal)
    portal.switch("on")
    stays(page, portal)
    ours = session_cookie(context, portal)
    began, _, rest = ours["value"].partition(".")
    context.add_cookies([{**ours, "value": f"{int(began, 16) - 1:x}.{rest}"}])
    goes(page, portal)
    context.add_cookies([ours])
    stays(page, portal)
    context.clear_cookies(name=ours["name"])
    goes(page, portal)


def test_a_new_key_ends_no_session_while_the_old_one_counts(
    portal: ForeignPortal, page: Page
) -> None:
    stays(page, portal)
    portal.switch("on")
    portal.settings.SECRET_KEY_FALLBACKS = [portal.settings.SECRET_KEY]
    portal.settings.SECRET_KEY = "another-secret-key-that-is-just-as-well-known-to-readers"
    stays(page, portal)
    portal.settings.SECRET_KEY_FALLBACKS = []
    goes(page, portal)


def test_another_host_of_the_organisation_carries_on_in_the_same_tab(
    portal: ForeignPortal, page: Page, context: BrowserContext
) -> None:
    stays(page, portal)
    portal.switch("on")
    page.get_by_role("link", name="Other host", exact=True).click()
    page.wait_for_load_state()
    assert page.url == portal.url("contoso.eu", "/files")
    page.reload()
    assert page.url == portal.url("contoso.eu", "/files")
    new_tab(context, page, "Other host, new tab").wait_for_url(
        portal.url("security", "/**"), wait_until="commit"
    )
    page.get_by_role("link", name="Other host", exact=True).click()
    page.wait_for_load_state()
    assert page.url == portal.url("contoso", "/files")


def test_a_wrong_clock_of_the_browser_changes_nothing(
    portal: ForeignPortal, page: Page, context: BrowserContext
) -> None:
    stays(page, portal)
    portal.switch("on")
    for year in ("2001", "2090"):
        context.clock.set_system_time(f"{year}-01-01")
        stays(page, portal)
        tab = context.new_page()
        goes(tab, portal)
        tab.close()


def test_a_browser_that_was_closed_begins_anew_and_restored_tabs_go_on(
    portal: ForeignPortal, page: Page, context: BrowserContext
) -> None:
    stays(page, portal)
    portal.switch("on")
    browser = context.browser
    assert browser is not None
    # What a browser brings back with "continue where you left off": cookies and the tab.
    kept, began = context.cookies(), page.evaluate(f"sessionStorage['{KEY}']")
    with browser.new_context() as restored:
        restored.add_cookies(kept)  # type: ignore[arg-type]
        tab = restored.new_page()
        tab.add_init_script(f"sessionStorage['{KEY}'] ??= '{began}'")
        stays(tab, portal)
    with browser.new_context() as closed:
        goes(closed.new_page(), portal)


def test_sleeping_past_the_idle_time_out_moves_the_tab_and_loses_no_form(
    portal: ForeignPortal, page: Page
) -> None:
    portal.settings.REDIRECTION_SESSION_IDLE = 1
    stays(page, portal)
    portal.switch("on")
    page.get_by_label("Text").fill("Half a thought")
    page.wait_for_timeout(1_300)
    page.get_by_role("button", name="Save").click()
    page.wait_for_url(portal.url("security", "/**"), wait_until="commit")
    assert ANSWERS == ["Half a thought"]


def test_the_load_after_a_form_keeps_the_part_behind_the_hash(
    portal: ForeignPortal, page: Page, context: BrowserContext
) -> None:
    stays(page, portal)
    portal.switch("on")
    context.clear_cookies()
    page.evaluate("""document.querySelector("form[action='/save']").action += "#/files?a=1" """)
    page.get_by_role("button", name="Save").click()
    page.wait_for_url(portal.url("security", "/**"), wait_until="commit")
    page.wait_for_url(portal.url("security", "/cloudapps/files?a=1"))


def test_the_back_and_forward_cache_shows_the_page_and_asks_for_its_banner(
    portal: ForeignPortal, chromium: Browser, tmp_path: Path
) -> None:
    with chromium.browser_type.launch_persistent_context(
        tmp_path,
        executable_path=shutil.which("chromium"),
        args=CHROMIUM_ARGUMENTS,
        ignore_default_args=["--disable-back-forward-cache"],
    ) as context:
        page = context.new_page()
        stays(page, portal)
        page.get_by_label("Text").fill("Half a thought")
        page.evaluate("addEventListener('pageshow', event => { window.kept = event.persisted })")
        page.goto(portal.url("fabrikam", "/api/"))
        portal.switch("on")
        with page.expect_response("**/redirection/here?**") as asked:
            page.go_back(wait_until="commit")
        assert asked.value.status == HTTPStatus.OK
        assert page.evaluate("window.kept")
        expect(page.get_by_label("Text")).to_have_value("Half a thought")
        expect(page.get_by_role("status")).to_contain_text("Automatic redirection is on")


def test_blocked_cookies_and_storage_loop_nowhere(
    portal: ForeignPortal, chromium: Browser, tmp_path: Path
) -> None:
    profile = tmp_path / "Default"
    profile.mkdir()
    (profile / "Preferences").write_text(
        '{"profile": {"default_content_setting_values": {"cookies": 2}}}'
    )
    with chromium.browser_type.launch_persistent_context(
        tmp_path, executable_path=shutil.which("chromium"), args=CHROMIUM_ARGUMENTS
    ) as context:
        page = context.new_page()
        stays(page, portal)
        with pytest.raises(Exception, match="Access is denied"):
            page.evaluate("sessionStorage.length")
        # No session can be kept, so nothing is known to have begun before.
        portal.switch("on")
        goes(page, portal)
        portal.switch("off")
        stays(page, portal)


def test_without_javascript_a_session_stays_and_a_new_one_goes(
    portal: ForeignPortal, context: BrowserContext
) -> None:
    browser = context.browser
    assert browser is not None
    with browser.new_context(java_script_enabled=False) as plain:
        page = plain.new_page()
        stays(page, portal)
        portal.switch("on")
        stays(page, portal)
        expect(page.get_by_role("status")).to_contain_text("sign out or close the browser")
    with browser.new_context(java_script_enabled=False) as plain:
        goes(plain.new_page(), portal)


def test_a_service_worker_that_passes_pages_on_hides_no_switch(
    portal: ForeignPortal, page: Page, context: BrowserContext
) -> None:
    stays(page, portal)
    page.evaluate(
        """() => { const types = trustedTypes.createPolicy("test", { createScriptURL: url => url });
        return navigator.serviceWorker.register(types.createScriptURL("/worker.js"))
          .then(() => navigator.serviceWorker.ready) }"""
    )
    page.wait_for_function("navigator.serviceWorker.controller")
    stays(page, portal)
    portal.switch("on")
    stays(page, portal)
    goes(context.new_page(), portal)
    context.clear_cookies()
    goes(page, portal)


def test_a_page_loaded_ahead_of_time_is_loaded_again_when_it_is_opened(
    portal: ForeignPortal, page: Page, context: BrowserContext
) -> None:
    stays(page, portal)
    portal.switch("on")
    context.clear_cookies()
    asked: list[tuple[str, int]] = []
    page.on(
        "response",
        lambda answer: asked.append(
            (answer.headers.get("redirection-decision", ""), answer.status)
        ),
    )
    with page.expect_response("**/files?later"):
        page.evaluate(
            """() => { const link = document.createElement("link"); link.rel = "prefetch";
            link.href = "/files?later"; document.head.append(link) }"""
        )
    refused = f"ahead_of_time;revision={portal.tenant.revision}"
    assert (refused, HTTPStatus.SERVICE_UNAVAILABLE) in asked
    assert context.cookies() == []
    page.evaluate("location.href = '/files?later'")
    page.wait_for_url(portal.url("security", "/cloudapps/files?later"))


def test_streams_sockets_uploads_and_downloads_are_undisturbed(
    portal: ForeignPortal, page: Page, context: BrowserContext
) -> None:
    stays(page, portal)
    portal.switch("on")
    # Not even without a session.
    context.clear_cookies()
    assert (
        page.evaluate(
            """() => new Promise(done => { const events = new EventSource("/events");
            events.onmessage = event => { events.close(); done(event.data) } })"""
        )
        == "first"
    )
    page.evaluate("() => new Promise(done => { new WebSocket('/socket').onerror = done })")
    assert ANSWERS == ["websocket"]
    assert page.evaluate(
        """async () => { const body = new FormData();
            body.append("file", new Blob(["x".repeat(200_000)]), "big.txt");
            const answer = await fetch("/upload", { method: "POST", body });
            return [answer.redirected, await answer.text()] }"""
    ) == [False, "200000"]
    with page.expect_download() as download:
        page.evaluate(
            """() => { const link = document.createElement("a"); link.href = "/export.csv";
            link.download = ""; document.body.append(link); link.click() }"""
        )
    assert Path(download.value.path()).read_text() == "a,b"


def test_a_half_filled_form_survives_the_switch_and_the_banner_appears_beside_it(
    portal: ForeignPortal, page: Page
) -> None:
    page.clock.install()
    stays(page, portal)
    page.get_by_label("Text").press_sequentially("Half a thought")
    portal.switch("on")
    page.clock.run_for(61_000)
    expect(page.get_by_role("status")).to_contain_text("Automatic redirection is on since")
    expect(page.get_by_role("status")).to_contain_text("at the latest until")
    expect(page.get_by_label("Text")).to_be_focused()
    page.keyboard.type(", and the rest")
    page.get_by_role("button", name="Save").click()
    page.wait_for_url(portal.url(path="/saved"))
    assert ANSWERS == ["Half a thought, and the rest"]
    portal.switch("off")
    page.clock.run_for(61_000)
    expect(page.get_by_role("status")).not_to_contain_text("is on since")


def test_a_banner_in_use_is_not_taken_away_and_a_closed_one_stays_closed(
    portal: ForeignPortal, page: Page
) -> None:
    page.clock.install()
    stays(page, portal)
    page.get_by_role("link", name="Give feedback").focus()
    portal.switch("on")
    with page.expect_response("**/redirection/here?**"):
        page.clock.run_for(61_000)
    expect(page.get_by_role("link", name="Give feedback")).to_be_focused()
    page.get_by_label("Text").focus()
    page.clock.run_for(61_000)
    expect(page.get_by_role("status")).to_contain_text("is on since")
    with page.expect_response("**/redirection/close-banner"):
        page.get_by_role("button", name="Close").click()
    with page.expect_response("**/redirection/here?**") as asked:
        page.clock.run_for(61_000)
    assert asked.value.status == HTTPStatus.NO_CONTENT
    expect(page.get_by_role("status")).to_be_empty()


def test_a_banner_that_cannot_be_asked_for_gives_up(portal: ForeignPortal, page: Page) -> None:
    page.clock.install()
    stays(page, portal)
    asked: list[str] = []

    def fail(route: Any) -> None:
        asked.append(route.request.url)
        route.fulfill(status=HTTPStatus.SERVICE_UNAVAILABLE)

    page.route("**/redirection/here?**", fail)
    # It asks ever less often, at last every ten minutes.
    for _ in range(80):
        if len(asked) == 5:
            break
        page.clock.run_for(601_000)
        page.wait_for_timeout(5)
    for _ in range(5):
        page.clock.run_for(601_000)
        page.wait_for_timeout(5)
    assert len(asked) == 5


def test_a_destination_that_sends_everybody_back_is_no_endless_loop(
    portal: ForeignPortal, page: Page, context: BrowserContext
) -> None:
    portal.leads_to("back")
    portal.switch("on")
    page.goto(portal.url(path="/files"), wait_until="commit")
    expect(page.locator("h1")).to_have_text("/files", timeout=PATIENCE)
    expect(page.get_by_role("status")).to_contain_text("sent this browser back several times")
    # Also where the portal script moves the tab, and not the server.
    portal.switch("off")
    stays(page, portal)
    portal.switch("on")
    context.clear_cookies(name="legacy_returns")
    tab = context.new_page()
    tab.goto(portal.url(path="/files"), wait_until="commit")
    expect(tab.locator("h1")).to_have_text("/files", timeout=PATIENCE)


@pytest.fixture
def cases() -> Iterator[tuple[dict[str, str], str | None, bool, bool]]:
    """What the page says, what the tab remembers; whether it has a past, an opener."""
    since: list[dict[str, str]] = [{}, {"since": "50"}]
    return itertools.product(
        [{"now": "60", "hand-over": "http://security.localhost/", **first, **second, **third}
         for first in since for second in ({}, {"carries-on": ""}) for third in ({}, {"go": ""})],
        [None, "40", "50", "60", "0"],
        [False, True],
        [False, True],
    )  # fmt: skip


def test_the_twin_of_the_portal_script_does_what_the_script_does(
    page: Page, cases: Iterator[tuple[dict[str, str], str | None, bool, bool]]
) -> None:
    page.route(
        "http://twin.localhost/**",
        lambda route: route.fulfill(body="<p>", content_type="text/html"),
    )
    page.goto("http://twin.localhost/")
    # The script's own world: what it reads and what it would do, without leaving the page.
    run = """([code, key, cases]) => cases.map(([data, stored, past, opener]) => {
      const storage = stored === null ? {} : { [key]: stored };
      const moved = [];
      const window = { opener: opener || null, addEventListener() {} };
      window.top = window;
      window.navigation = { onnavigateerror: null, addEventListener() {} };
      window.performance = { getEntriesByType: () => [] };
      const dataset = {};
      for (const [name, value] of Object.entries(data)) {
        dataset[name.replace(/-(.)/g, (all, letter) => letter.toUpperCase())] = value;
      }
      const document = {
        currentScript: { dataset }, documentElement: {}, readyState: "loading",
        addEventListener() {},
      };
      const sessionStorage = {
        getItem: key => storage[key] ?? null,
        setItem: (key, value) => { storage[key] = String(value); },
      };
      const location = {
        hash: "", pathname: "/", origin: "http://twin.localhost",
        replace: address => moved.push(address),
      };
      const names = ["window", "document", "sessionStorage", "location", "history", "navigator"];
      new Function(...names, code)(
        window, document, sessionStorage, location, { length: past ? 2 : 1 }, { sendBeacon() {} });
      return [moved.length > 0, storage[key] ?? null];
    })"""
    asked = list(cases)
    found = page.evaluate(run, [SCRIPT.read_text(), KEY, asked])
    for (data, stored, past, opener), answer in zip(asked, found, strict=True):
        storage = {} if stored is None else {KEY: stored}
        length = 2 if past else 1
        moved = moves_on(data, storage, history_length=length, has_opener=opener)
        assert answer == [moved, storage.get(KEY)], (data, stored, past, opener)
