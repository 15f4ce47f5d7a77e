"""Nothing a request says becomes the address of a redirect: the source itself is read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.redirect_addresses import Module

ROOT = Path(__file__).parent.parent
# What reading cannot tell, with what makes it safe. An entry that is not needed fails.
REVIEWED = {
    # The origin is configured, or the path begins with one slash: whatever comes in, see
    # test_deep_links.py and test_promise_answers.py.
    "redirection/answers.py": {"way.address"},
    "redirection/views/hand_over.py": {"link.target"},
    # What answers.py has put there.
    "redirection/gate.py": {"dict(found.headers)['Location']"},
    "redirection/middleware.py": {"found.headers"},
    # Configured: test_checks.py.
    "redirection/views/step_back.py": {"conf().hand_over_path"},
    # One of the configured hosts, in a state this site has signed: test_sign_in_sign_out.py.
    "portal/sign_in/views.py": {"f'{request.scheme}://{host}{path}'"},
    # The tenant's name before the host that is asked, which ALLOWED_HOSTS knows.
    "portal/samples/legacy.py": {"choices[0][1]", "_way_back(request.POST.get('page', ''))"},
    # Only on the developer's own machine; url_has_allowed_host_and_scheme stands before it.
    "portal/demo/provider/views.py": {
        "request.GET.get(REDIRECT_FIELD_NAME, '')",
        "resolve_url('accounts')",
    },
}
BAD = {
    "a parameter": "HttpResponseRedirect(request.GET['next'])",
    "a parameter with a name": "back = request.POST.get('next', '/')\nHttpResponseRedirect(back)",
    "one of two ways": "HttpResponseRedirect('/' if x else request.GET['next'])",
    "a header": "HttpResponseRedirect(request.META['HTTP_REFERER'])",
    "the path": "HttpResponseRedirect(request.path)",
    "the path without its prefix": "HttpResponseRedirect(request.path_info)",
    "the host": "HttpResponseRedirect(f'https://{request.get_host()}/')",
    "an argument": "def go(address):\n    return HttpResponseRedirect(address)",
    "part of a parameter": "HttpResponseRedirect(request.GET['next'].partition('#')[0])",
    "two slashes": "HttpResponseRedirect('//evil.example')",
    "a slash and a backslash": "HttpResponseRedirect('/\\\\evil.example')",
    "another origin": "HttpResponseRedirect('https://evil.example/')",
    "a page behind an origin": "HttpResponseRedirect(f'{conf().destination(c)}{request.path}')",
    "a name behind an origin": "HttpResponseRedirect(f'{conf().destination(c)}.evil.example/')",
    "quoted text behind an origin": "HttpResponseRedirect(f'{conf().destination(c)}{quote(text)}')",
    "two texts put together": "HttpResponseRedirect(conf().destination(c) + request.GET['page'])",
    "raw text in a query": "HttpResponseRedirect(f'{reverse(name)}?next={request.GET[name]}')",
    "a format": "HttpResponseRedirect('/{}'.format(request.GET['next']))",
    "a percent sign": "HttpResponseRedirect('/%s' % request.GET['next'])",
    "a safe name on a request": "HttpResponseRedirect(request.GET.reverse('next'))",
    "a function that hands on": "def own(a):\n    return a\nHttpResponseRedirect(own(x))",
    "a name of a loop": "for page in pages:\n    HttpResponseRedirect(page)",
    "a name unpacked": "page, rest = text\nHttpResponseRedirect(page)",
    "a name that grows": "page = '/'\npage += request.GET['next']\nHttpResponseRedirect(page)",
    "another name of the class": "from django.http import HttpResponseRedirect as R\nR(x.path)",
    "the class of a module": "import django\ndjango.http.HttpResponseRedirect(request.path)",
    "a class handed on": "answer = HttpResponseRedirect\nanswer(request.path)",
    "a class of its own": "class R(HttpResponseRedirect):\n    pass\nR(request.path)",
    "no address": "HttpResponseRedirect(redirect_to=request.path)",
    "the shortcut": "from django.shortcuts import redirect\nredirect('/')",
    "a permanent one": "from django.http import HttpResponsePermanentRedirect as P\nP('/')",
    "a redirect of htmx": "from django_htmx.http import HttpResponseLocation as L\nL('/')",
    "a view": "RedirectView.as_view(url='https://evil.example/%(path)s')",
    "a view that takes the query along": "RedirectView.as_view(pattern_name='a', query_string=1)",
    "a view of its own": "class V(RedirectView):\n    pattern_name = 'home'",
    "another page to sign in": "redirect_to_login('/', login_url=request.GET['at'])",
    "a header set": "response['Location'] = request.GET['next']",
    "a header in small letters": "response['location'] = request.GET['next']",
    "a header among others": "HttpResponse(status=302, headers={'Location': request.GET['next']})",
    "a header in a pair": "headers = [('Location', request.GET['next'])]",
    "a header by a call": "response.setdefault('Location', request.GET['next'])",
    "a header of htmx": "response['HX-Redirect'] = request.GET['next']",
    "a header that reloads": "response['Refresh'] = request.GET['next']",
}  # fmt: skip
GOOD = {
    "a path": "HttpResponseRedirect('/')",
    "a named page": "HttpResponseRedirect(reverse('redirection:settings'))",
    "a named page with a query": "HttpResponseRedirect(f'{reverse(name)}?{urlencode(query)}')",
    "an own page": "page = own_page(request.GET.get('page'), ())\nHttpResponseRedirect(page)",
    "an own page without fragment": "HttpResponseRedirect(own_page(text, ()).partition('#')[0])",
    "a page of an origin": "HttpResponseRedirect(f'{conf().destination(c)}{own_page(t)}')",
    "a safe function": "def there():\n    return reverse('a')\nHttpResponseRedirect(there())",
    "a named view": "RedirectView.as_view(pattern_name='redirection:settings')",
    "a way to sign in": "redirect_to_login(request.get_full_path())",
    "a header looked at": "address = response['Location']\nx = response.get('Location', '')",
    "a type": "def made(r: HttpResponseRedirect) -> HttpResponseRedirect:\n    return r",
    "another thing of that name": "call.redirect",
}


def _sources() -> Iterator[tuple[str, str]]:
    for folder in ("portal", "redirection"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path.relative_to(ROOT).as_posix(), path.read_text()


def test_every_redirect_takes_its_address_from_a_safe_place() -> None:
    found, unused = [], []
    for name, source in _sources():
        module = Module(name, source, frozenset(REVIEWED.get(name, ())))
        found += module.unsafe()
        unused += [f"{name}: {text}" for text in module.reviewed - module.used]
    assert found == []
    assert unused == []


def test_every_reviewed_module_is_still_there() -> None:
    assert REVIEWED.keys() <= dict(_sources()).keys()


@pytest.mark.parametrize("code", BAD.values(), ids=BAD.keys())
def test_an_address_from_anywhere_is_found(code: str) -> None:
    assert list(Module("bad.py", code).unsafe()) != []


@pytest.mark.parametrize("code", GOOD.values(), ids=GOOD.keys())
def test_a_safe_address_is_let_be(code: str) -> None:
    assert list(Module("good.py", code).unsafe()) == []
