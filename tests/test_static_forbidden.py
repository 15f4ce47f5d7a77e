"""No code from outside runs, no text goes unescaped, nothing waits for ever: the source is read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.forbidden_calls import forbidden

ROOT = Path(__file__).parent.parent
# What is right for a reason. An entry that is not needed any more fails.
REVIEWED = {
    # The library that draws the charts escapes what is written into them.
    "redirection/charts.py: mark_safe",
    # The decision itself looks at it, and the address is made of something else.
    "redirection/received_requests.py: path_info",
    "redirection/explanations.py: path_info",
    "portal/errors.py: path_info",
    # Names of the models' own columns; values are parameters. No request comes near.
    "redirection/models/upsert.py: cursor.execute of a text that is put together",
    "redirection/tenant_columns.py: cursor.execute of a text that is put together",
    "redirection/link_rule_changes.py: cursor.executemany of a text that is put together",
}
BAD = [
    "import pickle",
    "from marshal import loads",
    "eval(text)",
    "exec(text)",
    "yaml.load(text)",
    "os.system(text)",
    "subprocess.run(text, shell=True)",
    "subprocess.run(text, shell=wanted)",
    "mark_safe(text)",
    "SafeString(f'<b>{text}</b>')",
    "requests.get(url)",
    "requests.post(url, timeout=None)",
    "urllib.request.urlopen(url)",
    "requests.Session()",
    "request.path_info",
    "Tenant.objects.raw(text)",
    "Tenant.objects.extra(where=[text])",
    "RawSQL(text, [])",
    "cursor.execute(f'SELECT {name}')",
    "cursor.execute('SELECT ' + name)",
    "cursor.execute('SELECT %s' % name)",
    "cursor.execute(text)",
    "def q(name):\n    cursor.execute(f'SELECT {name}')",
]
GOOD = [
    "SafeString('')",
    "subprocess.run([text], shell=False)",
    "requests.get(url, timeout=5)",
    "cursor.execute('SELECT %s', [name])",
    "CHANNEL = 'c'\ncursor.execute(f'LISTEN {CHANNEL}')",
    "super().execute(text)",
    "yaml.safe_load(text)",
]
# An unescaped text has no place in a page; in a mail of plain text nothing is escaped.
UNESCAPED = re.compile(r"\|\s*safe(?:seq)?\b|autoescape\s+off")


def _sources() -> Iterator[tuple[str, str]]:
    for folder in ("portal", "redirection"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path.relative_to(ROOT).as_posix(), path.read_text()


def test_the_code_does_nothing_of_the_kind() -> None:
    found = {
        f"{name}: {line.partition(': ')[2]}"
        for name, source in _sources()
        for line in forbidden(source)
    }
    assert found == REVIEWED


def test_statements_are_put_together_where_no_request_is() -> None:
    reviewed = [line.partition(":")[0] for line in REVIEWED if "put together" in line]
    words = re.compile(r"\brequest\.|\brequest:|django\.http")
    assert [name for name in reviewed if words.search((ROOT / name).read_text())] == []


def test_no_page_shows_a_text_unescaped() -> None:
    found = [
        path.relative_to(ROOT).as_posix()
        for folder in ("portal", "redirection", "templates")
        for path in sorted((ROOT / folder).rglob("*.*"))
        if path.suffix in {".html", ".svg", ".xml", ".js"} and path.is_file()
        if UNESCAPED.search(path.read_text())
    ]
    assert found == []


@pytest.mark.parametrize("code", BAD)
def test_what_is_forbidden_is_found(code: str) -> None:
    assert list(forbidden(code)) != []


@pytest.mark.parametrize("code", GOOD)
def test_what_is_allowed_is_let_be(code: str) -> None:
    assert list(forbidden(code)) == []
