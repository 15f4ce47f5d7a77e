"""Whatever text arrives where one is read: it is understood or refused, and leads nowhere else."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

import ada_url
import pytest
from django.http import QueryDict
from django.test import Client, RequestFactory
from hypothesis import HealthCheck, example, given, settings as how, strategies as st

from portal.models import Person
from portal.sign_in.addresses import own_path
from redirection.accept_headers import accepts_html
from redirection.conf import conf
from redirection.history_filter import HistoryFilter
from redirection.legacy_hosts import LegacyHosts
from redirection.link_rule_files import decoded, read_rules
from redirection.models import Change, Feedback, Tenant
from redirection.pasted_sessions import Signature, pasted_session
from redirection.request_classes import class_of
from redirection.rule_problem_texts import sentences
from redirection.rule_set_problems import problems
from redirection.set_cookies import Cookie
from redirection.step_backs import own_page
from redirection.views import close_banner
from tests.test_settings_page import sign_in

HERE = "https://contoso.portal.example"
# What texts that go wrong are made of.
PIECES = st.sampled_from(
    [
        *("/", "//", "\\", "@", ":", "?", "#", "%2f", "%5c", "%00", "\t", "\r\n", "\x00", "\u2028"),
        *(
            "evil.example",
            "https:",
            "javascript:",
            "..",
            ";",
            ",",
            "q=",
            "text/html",
            "=",
            "\ud800",
        ),
    ]
)
TEXTS = st.lists(PIECES | st.text(max_size=6), max_size=8).map("".join)
HEADER = st.text(st.characters(max_codepoint=255), max_size=60) | st.lists(
    st.sampled_from(["text/html", "*/*", "text/*", ";", "q=", "0", "1", "nan", "-1", "1e999", ","]),
    max_size=10,
).map("".join)
in_one_world = how(suppress_health_check=[HealthCheck.function_scoped_fixture])


@given(TEXTS)
@example("//")
@example("//evil.example")
@example("/\\evil.example")
@example("/\t/evil.example")
@example("https:evil.example")
def test_no_text_is_a_page_of_somebody_else(text: str) -> None:
    for page in (own_page(text, ()), own_path(text)):
        assert ada_url.URL(page.encode(errors="replace").decode(), HERE).origin == HERE


@given(TEXTS)
def test_closing_the_banner_leads_back_to_this_host(text: str) -> None:
    body = urlencode({"next": text.encode(errors="surrogatepass")})
    request = RequestFactory().post(
        "/", body, content_type="application/x-www-form-urlencoded", HTTP_HOST="portal.localhost"
    )
    assert ada_url.URL(close_banner(request)["Location"], HERE).origin == HERE


@given(HEADER)
def test_an_accept_header_takes_html_or_not(accept: str) -> None:
    assert accepts_html(accept) in (True, False)
    assert accepts_html(f"{accept},text/html;q=0") in (True, False)
    if not {"html", "*"} & {part for part in ("html", "*") if part in accept.lower()}:
        assert not accepts_html(accept)


@given(st.floats(0.001, 1).map("{:.3f}".format), HEADER.filter(lambda text: "html" not in text))
def test_the_most_specific_range_decides(weight: str, others: str) -> None:
    assert accepts_html(f"text/html;q={weight},{others}")
    assert not accepts_html(f"text/html;q=0.000,{others}")


READ = ["SEC_FETCH_MODE", "SEC_FETCH_DEST", "ACCEPT", "SEC_PURPOSE", "UPGRADE", "X_MOZ"]


@given(st.dictionaries(st.sampled_from([f"HTTP_{name}" for name in READ]), HEADER), st.text())
def test_every_request_is_of_some_class(headers: dict[str, str], method: str) -> None:
    assert class_of(method, headers) is class_of(method, dict(headers))


@given(st.dictionaries(TEXTS, st.just("cloud"), max_size=3), st.lists(TEXTS, max_size=3), TEXTS)
def test_a_host_belongs_to_a_domain_it_ends_in(
    domains: dict[str, str], regions: list[str], host: str
) -> None:
    found = LegacyHosts(domains, regions).parse(host)
    assert found is None or found.domain in {domain.lower() for domain in domains}
    for tenant in (found and found.tenant, found and found.region):
        assert not tenant or tenant.replace("-", "").isalnum()


@given(st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1), st.booleans(),
       st.none() | st.integers(0, 10**9), st.integers(0, 2**33))  # fmt: skip
def test_a_cookie_is_one_line_of_text(value: str, secure: bool, age: int | None, now: int) -> None:
    text = Cookie("name", value, "portal.example", secure, age).text(now)
    assert "\n" not in text
    assert text.split("; ")[0] == f"name={value}"
    assert text.endswith("; Secure") is secure


@given(TEXTS, st.sampled_from(["", "11111111-1111-4111-8111-111111111111"]))
def test_a_pasted_session_of_nobody_is_not_ours(text: str, tid: str) -> None:
    found = pasted_session(text, tid, conf())
    assert (found.signature, found.session) == (Signature.NOT_OURS, None)


@given(st.lists(TEXTS | st.sampled_from(["source,target\n", "exact", "\n", '"', "\ufeff"])))
def test_any_file_is_read_or_said_to_be_wrong(parts: list[str]) -> None:
    rules, found = read_rules("".join(parts))
    lines = list(sentences([*found, *problems(rules, {})]))
    assert all(isinstance(str(line), str) for line in lines)


@given(st.binary(max_size=200))
def test_any_bytes_are_text_or_none(content: bytes) -> None:
    text, found = decoded(content)
    assert isinstance(text, str)
    assert not found or text == ""


NAMES = ["text", "what", "reason_kind", "channel", "from_day", "to_day", "page", "tid", "about"]
FIELDS = ["page", "kind", "text", "rating", "tid", "source", "may_contact", "about", "from"]


@given(asked=st.dictionaries(st.sampled_from(NAMES), TEXTS | st.dates().map(str)))
@in_one_world
def test_a_wrong_filter_never_widens_the_list(asked: dict[str, str], contoso: Tenant) -> None:
    data = QueryDict(mutable=True)
    data.update(asked)
    found = HistoryFilter(data, queryset=contoso.changes.all())
    allowed = found.qs.count()
    assert allowed <= Change.objects.filter(tenant=contoso).count()
    assert found.is_valid() or allowed == 0


@pytest.mark.parametrize("name", ["redirection-history", "redirection-history/export", "reported"])
@given(asked=st.dictionaries(st.sampled_from(NAMES), TEXTS))
@in_one_world
def test_any_query_of_a_list_is_answered(
    asked: dict[str, Any], name: str, rita: Person, destination: Client
) -> None:
    if not destination.session.get("_auth_user_id"):
        sign_in(destination, rita)
    query = {key: value.encode(errors="surrogatepass") for key, value in asked.items()}
    answer = destination.get(f"/cloudapps/settings/{name}?{urlencode(query)}")
    assert answer.status_code in (HTTPStatus.OK, HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND)


@given(
    sent=st.dictionaries(st.sampled_from(FIELDS), TEXTS | st.sampled_from(["problem", "idea", "5"]))
)
@in_one_world
def test_any_feedback_is_taken_or_shown_again(
    sent: dict[str, str], rita: Person, destination: Client
) -> None:
    if not destination.session.get("_auth_user_id"):
        sign_in(destination, rita)
    body = urlencode({key: value.encode(errors="surrogatepass") for key, value in sent.items()})
    before = Feedback.objects.count()
    answer = destination.post(
        "/redirection/feedback", body, content_type="application/x-www-form-urlencoded"
    )
    assert answer.status_code < HTTPStatus.INTERNAL_SERVER_ERROR
    added = Feedback.objects.count() - before
    assert added == (answer.status_code == HTTPStatus.FOUND)
