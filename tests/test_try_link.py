"""Try a link: where it leads, which rule says so, and what each kind of visitor would get."""

from __future__ import annotations

import re
from html import unescape
from http import HTTPStatus
from typing import Any

import ada_url
import pytest
from django.test import Client
from hypothesis import HealthCheck, example, given, settings as how, strategies as st

from portal.models import Person
from redirection import decisions, trials
from redirection.conf import conf
from redirection.decisions import Reason
from redirection.models import Change, Tenant
from redirection.pasted_links import NotALink, PastedLink, Problem, pasted_link
from redirection.reason_names import reason_name
from redirection.trials import Visitor, Way
from tests.conftest import Switch
from tests.test_settings_page import sign_in

PAGE = "/cloudapps/settings/try-link"
HOST = "contoso.portal.localhost"
ORIGIN = "http://security.localhost"
TID = "11111111-1111-4111-8111-111111111111"
FOREIGN_TID = "22222222-2222-4222-8222-222222222222"
HOUR = 3_600_000
LIMITS = trials.Limits(idle=HOUR, limit=12 * HOUR)
NOW = 1_000 * HOUR


@pytest.fixture
def reader(rita: Person, destination: Client) -> Client:
    """The browser of Rita, who may look."""
    sign_in(destination, rita)
    return destination


def text(response: Any) -> str:
    return " ".join(unescape(response.content.decode()).split())


def tried(browser: Client, link: str) -> str:
    response = browser.get(PAGE, {"link": link})
    assert response.status_code == HTTPStatus.OK
    return text(response)


def address(page: str) -> str:
    """The one address the page says a link leads to; the link to open it is the same."""
    shown = re.search(r'<p class="address"><code dir="ltr">(.*?)</code>', page)
    opened = re.search(r'<a class="button" href="([^"]*)" rel="noopener" target="_blank">', page)
    assert shown
    assert opened
    assert shown[1] == opened[1]
    return shown[1]


# --- Taking a pasted link apart ---

PASTED = {
    f"https://{HOST}/a/b?c=d#/e?f=g": PastedLink(HOST, "/a/b", "c=d", "/e?f=g"),
    f"HTTP://{HOST}:8000": PastedLink(f"{HOST}:8000", "/", "", ""),
    f"{HOST}/#/alerts": PastedLink(HOST, "/", "", "/alerts"),
    f"{HOST}:8000/alerts": PastedLink(f"{HOST}:8000", "/alerts", "", ""),
    f"//{HOST}/alerts": PastedLink(HOST, "/alerts", "", ""),
    f"https:\\\\{HOST}\\alerts#/a\\=b": PastedLink(HOST, "/alerts", "", "/a\\=b"),
    f" https://{HOST}/al\nerts ": PastedLink(HOST, "/alerts", "", ""),
    f"https%3A%2F%2F{HOST}%2F%23%2Falerts": PastedLink(HOST, "/", "", "/alerts"),
    f"https://somebody:secret@{HOST}/": PastedLink(HOST, "/", "", ""),
    "/\\evil.example/x": PastedLink("evil.example", "/x", "", ""),
    "[::1]:8000/x": PastedLink("[::1]:8000", "/x", "", ""),
    "#/audits?a=b": PastedLink("", "/", "", "/audits?a=b"),
    "?tid=1#/audits": PastedLink("", "/", "tid=1", "/audits"),
    "/audits": PastedLink("", "/audits", "", ""),
    "policy/templates": PastedLink("", "/policy/templates", "", ""),
}
NO_LINKS = {
    "javascript:alert(1)": Problem.SCHEME,
    "data:text/html,x": Problem.SCHEME,
    "mailto:ada@contoso.example": Problem.SCHEME,
    "ftp://contoso.portal.localhost/": Problem.SCHEME,
    "http://": Problem.HOST,
    f"https://{HOST}:99999/": Problem.HOST,
    f"https://{HOST}:0/": Problem.HOST,
    f"https://{HOST}:port/": Problem.HOST,
    "http://[::1/": Problem.HOST,
    "https://\u2100.example/": Problem.HOST,
    "https://:80/": Problem.HOST,
    "a\x00b": Problem.CHARACTERS,
    "a\ud800b": Problem.CHARACTERS,
    "https%3a%00": Problem.CHARACTERS,
}


@pytest.mark.parametrize(("pasted", "link"), PASTED.items())
def test_a_link_is_read_as_a_browser_does(pasted: str, link: PastedLink) -> None:
    assert pasted_link(pasted) == link


@pytest.mark.parametrize(("pasted", "problem"), NO_LINKS.items())
def test_what_is_no_link_is_refused_with_the_reason(pasted: str, problem: Problem) -> None:
    with pytest.raises(NotALink) as refused:
        pasted_link(pasted)
    assert refused.value.problem is problem


# --- Where it leads ---

LEADS_TO = {
    f"http://{HOST}/#/audits?activity.id=eq(1,)": "/cloudapps/activity-log?activity.id=eq(1,)",
    f"{HOST}/audits?activity.id=eq(1,)": "/cloudapps/activity-log?activity.id=eq(1,)",
    "/#/alerts/5f1e": f"/alerts?tid={TID}",
    "#%2Faudits": "/cloudapps/activity-log",
    "#/discovery?tab=dashboard&stream=7": "/cloudapps/discovery?stream=7",
    "portal.localhost/files": "/cloudapps/files",
    f"http://{HOST.upper()}:8000/files?tid={TID.upper()}": f"/cloudapps/files?tid={TID.upper()}",
    "/files#top": "/cloudapps/files#top",
    "/files#a b\u00e9": "/cloudapps/files#a%20b%C3%A9",
    "/": "/",
    "#/security-configuration": "/",
    "#/nobody/knows": f"/?tid={TID}",
    "//evil.example/": None,
}


@pytest.mark.parametrize(("link", "target"), LEADS_TO.items())
def test_the_destination_is_the_one_a_visit_reaches(
    link: str, target: str | None, reader: Client
) -> None:
    page = tried(reader, link)
    if target is None:
        assert "is no host of Microsoft Defender for Cloud Apps here" in page
        assert 'class="address"' not in page
    else:
        assert address(page) == ORIGIN + target


# A link whose fragment is no route goes straight; all others are read by the hand-over page.
@pytest.mark.parametrize("link", [link for link, target in LEADS_TO.items() if target])
def test_a_real_visit_ends_there(
    link: str, contoso: Tenant, reader: Client, legacy: Client, switch: Switch
) -> None:
    said = address(tried(reader, link))
    switch(contoso, "on")
    pasted = pasted_link(link)
    there = legacy.get(f"{pasted.path}?{pasted.query}".rstrip("?"))["Location"]
    path, _, query = there.removeprefix(ORIGIN).partition("?")
    if path == conf().hand_over_path:
        from_ = re.search(r"from=([^&]*)", query)
        assert from_
        fields = {"tid": TID, "from": pasted.path, "fragment": pasted.fragment}
        if pasted.query:
            fields["from"] += f"?{pasted.query}"
        gone = reader.post("/redirection/go", fields)
        if gone["Location"].startswith("/redirection/go?"):
            gone = reader.get(gone["Location"])
            assert said.removeprefix(ORIGIN) in unescape(gone.content.decode())
            return
        there = f"{ORIGIN}{gone['Location']}"
    assert said.partition("#")[0] == there


def test_rule_counterpart_way_and_parameters_are_said(reader: Client) -> None:
    page = tried(reader, "#/discovery?tab=dashboard&stream=7")
    assert '<code dir="ltr">/discovery</code> Cloud discovery' in page
    assert "Exact: the same page over there." in page
    assert "By the hand-over page, which reads the part behind # in the browser." in page
    assert 'are left out: <code dir="ltr">tab</code></dd>' in page
    page = tried(reader, "/audits?from=1&to=2")
    assert "Straight, with one redirect." in page
    assert 'All of them arrive: <code dir="ltr">from</code>, <code dir="ltr">to</code>' in page
    assert "The link has none." in tried(reader, "/audits")


def test_a_page_without_exact_counterpart_says_what_will_happen(
    reader: Client, settings: Any
) -> None:
    assert "Nearest place: the page over there says so." in tried(reader, "#/alerts/1")
    settings.REDIRECTION_DESTINATION_SHOWS_NOTICES = False
    assert "Nearest place: a page in between says so and offers it." in tried(reader, "#/alerts/1")
    assert "None yet: a page in between says so" in tried(reader, "#/identity-security-posture")
    assert "None: the route is not known." in tried(reader, "#/nobody/knows")


def test_a_link_that_grows_too_long_is_said_to_be(reader: Client) -> None:
    page = tried(reader, "#/audits?text=" + "\u65e5" * 2000)
    assert "too long for the hand-over page" in page


# --- Whose link it is ---


@pytest.mark.parametrize(
    "link",
    [
        "http://fabrikam.portal.localhost/#/alerts",
        "http://nobody-knows.portal.localhost/#/alerts",
        f"/alerts?tid={FOREIGN_TID}",
        f"http://{HOST}/alerts?tid={FOREIGN_TID}",
        f"http://{HOST}/alerts?tid=44444444-4444-4444-8444-444444444444",
        "http://portal.localhost/alerts?tid=nonsense",
    ],
)
def test_another_organisations_link_tells_nothing(
    link: str, fabrikam: Tenant, reader: Client
) -> None:
    page = tried(reader, link)
    assert "This link does not belong to Contoso" in page
    assert "Fabrikam" not in page
    assert "Who gets what" not in page


def test_an_unknown_and_a_known_organisation_look_the_same(
    fabrikam: Tenant, reader: Client
) -> None:
    known = tried(reader, "http://fabrikam.portal.localhost/")
    unknown = tried(reader, "http://fabrikan.portal.localhost/")
    card = re.compile(r'<section class="card" aria-labelledby="leads-to">.*?</section>')
    assert card.findall(known) == card.findall(unknown) != []


# --- Who gets what ---


def state(*, on: bool, since: int = NOW - HOUR) -> decisions.Tenant:
    return decisions.Tenant(TID, "contoso", "commercial", on, since, 7)


def ways(
    tenant: decisions.Tenant, link: trials.Link | None = None
) -> dict[str, tuple[Way, Reason]]:
    link = link or trials.Link(exempt=False, hand_over=True)
    answers = trials.answers(tenant, link, LIMITS, NOW)
    return {visitor.value: (answer.way, answer.reason) for visitor, answer in answers.items()}


def test_while_off_everybody_stays() -> None:
    assert ways(state(on=False)) == {
        **dict.fromkeys(Visitor, (Way.STAYS, Reason.OFF)),
        Visitor.BACKGROUND_CALL: (Way.STAYS, Reason.NOT_PAGE_LOAD),
        Visitor.EXEMPT_PATH: (Way.STAYS, Reason.EXEMPT),
    }


ON = {
    Visitor.NEWCOMER: (Way.HAND_OVER, Reason.NEW_SESSION),
    Visitor.SESSION_RUNS: (Way.STAYS, Reason.SESSION_CONTINUES),
    Visitor.NEW_TAB: (Way.BY_SCRIPT, Reason.SESSION_CONTINUES),
    Visitor.SESSION_ENDED: (Way.HAND_OVER, Reason.SESSION_ENDED),
    Visitor.BACKGROUND_CALL: (Way.STAYS, Reason.NOT_PAGE_LOAD),
    Visitor.EXEMPT_PATH: (Way.STAYS, Reason.EXEMPT),
}


def test_while_on_who_is_at_work_stays_in_their_tab() -> None:
    assert ways(state(on=True)) == ON


def test_after_the_switch_it_is_the_other_way_round() -> None:
    assert ways(trials.switched(state(on=False), NOW)) == ON
    off = ways(trials.switched(state(on=True), NOW))
    assert {way for way, _reason in off.values()} == {Way.STAYS}


def test_long_after_the_switch_nobody_is_left_at_work() -> None:
    answers = ways(state(on=True, since=NOW - LIMITS.limit))
    assert answers[Visitor.SESSION_RUNS][0] is Way.NOBODY
    assert answers[Visitor.NEW_TAB][0] is Way.NOBODY
    assert answers[Visitor.SESSION_ENDED] == ON[Visitor.SESSION_ENDED]
    one_left = ways(state(on=True, since=NOW - LIMITS.limit + 1))
    assert one_left[Visitor.SESSION_RUNS] == ON[Visitor.SESSION_RUNS]


def test_an_exact_page_is_reached_straight() -> None:
    answers = ways(state(on=True), trials.Link(exempt=False, hand_over=False))
    assert answers[Visitor.NEWCOMER] == (Way.STRAIGHT, Reason.NEW_SESSION)
    # The script of a new tab knows the hand-over page only.
    assert answers[Visitor.NEW_TAB] == ON[Visitor.NEW_TAB]


def test_a_path_that_is_no_page_stays_for_everybody(reader: Client) -> None:
    answers = ways(state(on=True), trials.Link(exempt=True, hand_over=False))
    assert set(answers.values()) == {(Way.STAYS, Reason.EXEMPT)}
    page = tried(reader, f"http://{HOST}/api/v1/alerts/")
    assert "Nowhere: this path is no page" in page
    assert 'class="address"' not in page


def test_without_a_destination_everybody_stays(contoso: Tenant, reader: Client) -> None:
    answers = ways(state(on=True), trials.Link(exempt=False, hand_over=False, destination=False))
    assert answers[Visitor.NEW_TAB] == (Way.STAYS, Reason.NO_DESTINATION)
    Tenant.objects.update(cloud="closed")
    assert "Nowhere: no destination is configured" in tried(reader, "#/alerts")


def rows(page: str) -> list[list[str]]:
    body = page.partition("<tbody>")[2].partition("</tbody>")[0]
    return [
        [
            " ".join(re.sub(r"<[^>]+>", " ", cell).split())
            for cell in re.findall(r"<t[hd].*?</t[hd]>", row)
        ]
        for row in re.findall(r"<tr>.*?</tr>", body)
    ]


def test_the_page_says_both_states_in_words(
    contoso: Tenant, reader: Client, switch: Switch
) -> None:
    page = tried(reader, "/audits")
    assert "Now: off" in page
    assert "After switching on" in page
    off_and_on = [row[1:] for row in rows(page)]
    assert off_and_on[0] == [
        "Stays. Automatic redirection is off.",
        "Goes there straight. There is no session from before the switch.",
    ]
    assert "Without JavaScript the tab stays." in off_and_on[2][1]
    switch(contoso, "on")
    page = tried(reader, "/audits")
    assert "Now: on" in page
    assert "After switching off" in page
    assert [row[1:] for row in rows(page)] == [[after, now] for now, after in off_and_on]
    assert rows(page)[5][0] == "A path that is no page, such as /api/"


def test_at_the_last_stage_there_is_no_after(contoso: Tenant, reader: Client) -> None:
    contoso.change_stage(
        "forced", reason_kind="planned", reason="June", channel="command", operator="a test"
    )
    page = tried(reader, "/audits")
    assert "After switching" not in page
    assert "can no longer be switched off" in page
    assert {len(row) for row in rows(page)} == {2}


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_words(reason: Reason) -> None:
    assert reason_name(reason).endswith(".")


# --- Bad input ---

TEXT = {
    "": "Paste a link first.",
    "   ": "Paste a link first.",
    "x" * 20_000: "Use at most 8000 characters.",
    "with\x00nul": "Null characters are not allowed.",
    "javascript:alert(1)": "Only links that begin with http:// or https:// open a page.",
    f"https://{HOST}:99999/": "The host or port of this link cannot be.",
    "http://[::1/": "The host or port of this link cannot be.",
}


@pytest.mark.parametrize(("typed", "error"), TEXT.items())
def test_a_wrong_text_is_said_at_the_field_and_kept(typed: str, error: str, reader: Client) -> None:
    response = reader.get(PAGE, {"link": typed})
    assert response.status_code == HTTPStatus.BAD_REQUEST
    page = response.content.decode()
    assert error in unescape(page)
    assert 'id="id_link_error"' in page
    assert 'aria-invalid="true"' in page
    kept = re.search(r'name="link" [^>]*value="([^"]*)"', page)
    assert kept
    assert unescape(kept[1]) == typed


def test_what_is_pasted_runs_nowhere(reader: Client) -> None:
    page = reader.get(PAGE, {"link": '#/audits?"><script>alert(1)</script>=1'}).content.decode()
    assert "<script>alert" not in page


def test_bytes_that_are_no_text_are_answered(reader: Client) -> None:
    for raw in ("%ff%fe", "%ed%a0%80", "%23%2Faudits%3F%25", "https://%25", "/%25ff%2500%250a"):
        assert reader.get(f"{PAGE}?link={raw}").status_code < HTTPStatus.INTERNAL_SERVER_ERROR


PIECES = st.sampled_from([
    "http:", "https:", "javascript:", "//", "/", "\\", "@", ":", "#", "?", "&", "=", "%", "%2f",
    "%00", "%ff", "[", "]", "::1", ".", "..", HOST, "portal.localhost", "evil.example", "tid=",
    TID, FOREIGN_TID, "audits", "alerts", "users", "api", "\ud800", "\u3002", "\uff41", "99999",
    "8000", " ", "\t", "\r\n", "\u202e", "\U0001f600",
])  # fmt: skip
LINKS = st.one_of(st.lists(PIECES, max_size=12).map("".join), st.text(max_size=60))


@given(link=LINKS)
@example(link=f"https://{HOST}//evil.example/%2e%2e//x?//evil#//evil")
@example(link=f"https://{HOST}/@evil.example")
@how(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_is_answered_and_leads_nowhere_else(
    link: str, contoso: Tenant, reader: Client
) -> None:
    response = reader.get(PAGE, {"link": link.encode(errors="surrogatepass")})
    assert response.status_code in (HTTPStatus.OK, HTTPStatus.BAD_REQUEST)
    arrival = (response.context.get("arrival") or None) and response.context["arrival"]
    if arrival is not None:
        assert ada_url.URL(arrival.address).origin == ORIGIN
        assert arrival.address.startswith(f"{ORIGIN}/")


@given(text=st.text(alphabet=st.characters(), max_size=80) | LINKS)
def test_any_text_is_a_link_or_refused(text: str) -> None:
    try:
        link = pasted_link(text)
    except NotALink:
        return
    assert link.path.startswith("/")
    assert link.parameters is not None


# --- Who may, and what is kept ---


def test_nothing_is_stored(reader: Client, contoso: Tenant) -> None:
    before = (Change.objects.count(), Tenant.objects.values().get())
    tried(reader, "#/alerts/1")
    assert (Change.objects.count(), Tenant.objects.values().get()) == before


def test_otto_may_not_open_it(otto: Person, destination: Client) -> None:
    sign_in(destination, otto)
    assert destination.get(PAGE).status_code == HTTPStatus.FORBIDDEN


def test_the_empty_page_has_the_form_and_no_error(reader: Client) -> None:
    page = text(reader.get(PAGE))
    assert 'name="link"' in page
    assert "errorlist" not in page
    assert "Where it leads" not in page
