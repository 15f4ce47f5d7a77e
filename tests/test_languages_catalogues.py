"""The catalogues hold every text of the site, and each translation fits its text."""

from __future__ import annotations

import ast
import base64
import contextlib
import gettext
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import override_settings
from django.utils.functional import Promise

from portal.languages import LANGUAGES
from portal.samples.destination import PLACES
from portal.samples.legacy_sections import MENU, SECTIONS
from redirection.deep_links import destination_for
from redirection.feature_names import FEATURE_NAMES, feature_name
from redirection.routes import ROUTES

ROOT = Path(settings.BASE_DIR)
LOCALE = ROOT / "redirection" / "locale"
TRANSLATED = [code for code, _ in LANGUAGES if code != "en"]
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w*\}")
MARKUP = re.compile(r"<[^>]*>")

Catalogue = dict[str, list[str]]


def catalogue(language: str, locale: Path = LOCALE) -> Path:
    return locale / language / "LC_MESSAGES" / "django.po"


def run(*command: str | Path, text: bytes = b"") -> bytes:
    result = subprocess.run(command, input=text, capture_output=True, check=False)
    assert result.returncode == 0, result.stderr.decode()
    return result.stdout


def compiled(mo: Path) -> Catalogue:
    """The forms of each text in a compiled catalogue; those of "" are its header."""
    with mo.open("rb") as file:
        read: dict[Any, str] = gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined]
    found: Catalogue = {}
    for key, form in read.items():
        text = key[0] if isinstance(key, tuple) else key
        found.setdefault(text, []).append(form)
    return found


def texts(po: Path, folder: Path) -> set[str]:
    """Every text of a catalogue, translated or not."""
    run("msgfmt", "-o", folder / "texts.mo", "-", text=run("msgen", po))
    return compiled(folder / "texts.mo").keys() - {""}


def plurals(po: Path) -> dict[str, str]:
    """The plural of each text that has one; lines are not wrapped."""
    pairs = re.findall(r'^msgid (".*")\nmsgid_plural (".*")$', po.read_text("utf-8"), re.MULTILINE)
    return {ast.literal_eval(text): ast.literal_eval(plural) for text, plural in pairs}


def translations(language: str, folder: Path) -> Catalogue:
    run("msgfmt", "-o", folder / "translations.mo", catalogue(language))
    found = compiled(folder / "translations.mo")
    return {text: forms for text, forms in found.items() if text}


@pytest.fixture(scope="module")
def extracted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The catalogues as ``make messages`` would leave them now."""
    copy = tmp_path_factory.mktemp("site")
    for name in ("portal", "redirection", "templates"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    locale = copy / "redirection" / "locale"
    with contextlib.chdir(copy), override_settings(LOCALE_PATHS=[locale]):
        call_command("makemessages", verbosity=0)
    return locale


def test_every_language_of_the_site_has_a_catalogue() -> None:
    assert sorted(path.name for path in LOCALE.iterdir()) == sorted(TRANSLATED)


@pytest.mark.parametrize("language", TRANSLATED)
def test_the_catalogue_holds_the_texts_of_the_code(
    language: str, extracted: Path, tmp_path: Path
) -> None:
    """``make messages`` brings it up to date."""
    now = texts(catalogue(language, extracted), tmp_path)
    held = texts(catalogue(language), tmp_path)
    assert now - held == set()
    assert held - now == set()


@pytest.mark.parametrize("language", TRANSLATED)
def test_no_translation_is_a_guess_or_a_leftover(language: str) -> None:
    lines = catalogue(language).read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line.startswith(("#, fuzzy", "#~"))] == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_the_catalogue_names_nobody_and_no_day(language: str) -> None:
    header = catalogue(language).read_text(encoding="utf-8").partition("\n\n")[0]
    names = re.findall(r'^"([\w-]+): ', header, re.MULTILINE)
    assert names == [
        "Language",
        "MIME-Version",
        "Content-Type",
        "Content-Transfer-Encoding",
        "Plural-Forms",
    ]
    assert f'"Language: {language}\\n"' in header


@pytest.mark.parametrize("language", TRANSLATED)
def test_formats_and_plural_forms_are_complete(language: str) -> None:
    run("msgfmt", "--check-format", "--check-domain", "-o", "-", catalogue(language))


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_translation_has_the_placeholders_and_the_markup_of_its_text(
    language: str, tmp_path: Path
) -> None:
    wrong = []
    plural_of = plurals(catalogue(language))
    for text, forms in translations(language, tmp_path).items():
        expected = set(PLACEHOLDER.findall(text + plural_of.get(text, "")))
        markup = sorted(MARKUP.findall(text))
        for form in forms:
            found = set(PLACEHOLDER.findall(form))
            # "One change", "zero changes": a form for one number may leave it out.
            fits = found <= expected if text in plural_of else found == expected
            if not fits or sorted(MARKUP.findall(form)) != markup:
                wrong.append((text, form))
    assert wrong == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_the_compiled_catalogue_is_that_of_the_texts(language: str, tmp_path: Path) -> None:
    """``make messages`` compiles it."""
    run("msgfmt", "-o", tmp_path / "fresh.mo", catalogue(language))
    fresh = compiled(tmp_path / "fresh.mo")
    assert compiled(catalogue(language).with_suffix(".mo")) == fresh


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_text_is_translated(language: str, tmp_path: Path) -> None:
    missing = texts(catalogue(language), tmp_path) - translations(language, tmp_path).keys()
    assert sorted(missing) == []


def test_every_feature_of_the_route_table_has_a_name() -> None:
    # One user, as the legacy portal wrote the link: {"id": a directory object}.
    user = base64.b64encode(b'{"id": "87d349ed-44d7-43e1-9a83-5f2406dee5bd"}').decode()
    links = ("/", "/alerts/1", "/users/1", f"/users/{user}")
    features = {route.feature for route in ROUTES.values()}
    features |= {place.feature for place in PLACES}
    features |= {destination_for(link).feature for link in links}
    assert features - FEATURE_NAMES.keys() == set()
    assert FEATURE_NAMES.keys() - features == set()
    assert {name: str(shown) for name, shown in FEATURE_NAMES.items()} == {
        name: name for name in FEATURE_NAMES
    }


def test_an_unknown_feature_keeps_its_name() -> None:
    assert feature_name("Something new") == "Something new"


def test_titles_and_columns_of_the_sample_portal_are_translated() -> None:
    shown = [section.title for section in SECTIONS.values()]
    shown += [column for section in SECTIONS.values() for column in section.columns]
    shown += [group.title for group in MENU if group.title]
    assert [text for text in shown if not isinstance(text, Promise)] == []
