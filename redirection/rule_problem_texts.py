"""The sentences for what is wrong with deep link rules, in the reader's language."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.functional import Promise
from django.utils.translation import get_language_bidi, gettext as _, gettext_lazy

from redirection.link_rules import LinkRule
from redirection.rule_problems import Code, Problem

# Each with the values %(value)s, %(field)s, %(other)s and %(path)s, as far as it needs them.
_SENTENCES: dict[Code, str | Promise] = {
    Code.UNKNOWN_WORD: gettext_lazy("%(field)s: “%(value)s” is not a word it can have."),
    Code.UNKNOWN_CLOUD: gettext_lazy("There is no cloud “%(value)s”. Leave it empty for all."),
    Code.TOO_LONG: gettext_lazy("%(field)s: use at most %(value)s characters."),
    Code.CHARACTERS: gettext_lazy("%(field)s: control characters cannot be used."),
    Code.MISSING: gettext_lazy("There is nothing in “%(field)s”."),
    Code.WHOLE_ADDRESS: gettext_lazy(
        "This is a whole address. Write its route only, without the host: %(value)s"
    ),
    Code.START_PAGE: gettext_lazy(
        "The start page cannot be a source: it is where every page behind # begins. "
        "Name a route, such as /reports."
    ),
    Code.SOURCE_WITH_QUERY: gettext_lazy(
        "A source is a route without parameters: leave out everything from ? or a second # on."
    ),
    Code.TOO_DEEP: gettext_lazy("A source has at most %(value)s levels."),
    Code.PATTERN: gettext_lazy("This pattern cannot be used: %(value)s."),
    Code.PATTERN_START: gettext_lazy(
        "A pattern begins with a whole word of the address, such as /reports/([0-9]+)."
    ),
    Code.PATTERN_ALTERNATIVES: gettext_lazy(
        "Put alternatives in parentheses, such as /reports/(daily|weekly)."
    ),
    Code.TOO_MANY_PATTERNS: gettext_lazy(
        "There are more than %(value)s patterns. Use exact sources and prefixes where they do."
    ),
    Code.TOO_MANY_BEHIND: gettext_lazy(
        "Too many patterns begin with %(value)s. Join some of them, or name more of the address."
    ),
    Code.TARGET: gettext_lazy(
        "“%(value)s” is not a page of the destination. Begin with one slash, such as "
        "/reports/new, without a host, spaces or dots as a folder; or with #/ for a legacy route."
    ),
    Code.CAPTURE: gettext_lazy("{%(value)s} is not captured by the source."),
    Code.QUERY: gettext_lazy(
        "“%(value)s” is no instruction. Write keep, drop, drop NAME, rename OLD=NEW or "
        "set NAME=VALUE, separated by semicolons."
    ),
    Code.SAME_SOURCE: gettext_lazy("The same source as %(other)s. Keep one of them."),
    Code.SHADOWED: gettext_lazy("Never reached: %(other)s always comes first."),
    Code.CHAIN: gettext_lazy(
        "A chain of aliases: %(path)s. Point %(first)s straight to %(value)s."
    ),
    Code.LOOP: gettext_lazy(
        "A loop of aliases: %(path)s. Point one of them to a page of the destination."
    ),
    Code.CHANGED: gettext_lazy(
        "Somebody changed this rule meanwhile. It now is: %(value)s. Save again to replace that."
    ),
    Code.GONE: gettext_lazy("Somebody deleted this rule meanwhile. Add it as a new one."),
    Code.COLUMN_UNKNOWN: gettext_lazy("There is no column “%(value)s” in a file of rules."),
    Code.COLUMN_MISSING: gettext_lazy("The first line names no column “%(value)s”."),
    Code.COLUMN_TWICE: gettext_lazy("The first line names the column “%(value)s” twice."),
    Code.CELLS: gettext_lazy("This line has more cells than the first one has names."),
    Code.TOO_MANY_COLUMNS: gettext_lazy(
        "The first line names too many columns: there are %(value)s."
    ),
    Code.NOT_CSV: gettext_lazy("From here on this is not CSV: %(value)s."),
    Code.NOT_UTF8: gettext_lazy("From here on this is not UTF-8. Save the file as CSV in UTF-8."),
    Code.EMPTY: gettext_lazy("The file is empty. Its first line names the columns."),
    Code.TOO_LARGE: gettext_lazy("The file is larger than %(value)s MB."),
    Code.TOO_MANY_RULES: gettext_lazy("A file has at most %(value)s rules."),
}


def sentence(problem: Problem) -> str:
    """What is wrong, and what to do about it."""
    return str(_SENTENCES[problem.code]) % {
        "value": isolated(problem.value),
        "field": problem.field,
        "other": ", ".join(map(_name, problem.others)),
        "first": _name(problem.others[0]) if problem.others else "",
        "path": " → ".join(map(_name, problem.others)),
    }


def line_of(problem: Problem) -> str:
    """The sentence with the line or the rule it is about, for a list of many."""
    if problem.line:
        return _("line %(line)d: %(sentence)s") % {
            "line": problem.line,
            "sentence": sentence(problem),
        }
    if problem.number:
        return _("rule %(number)d: %(sentence)s") % {
            "number": problem.number,
            "sentence": sentence(problem),
        }
    return sentence(problem)


def sentences(problems: Sequence[Problem]) -> list[str]:
    """One line for each."""
    return [line_of(problem) for problem in problems]


def isolated(text: str) -> str:
    """``text``, an address or a word of a file, as it is read in a language from right to left.

    Without it the slash an address begins with is drawn at its end (Unicode, annex 9).
    """
    return f"\u2066{text}\u2069" if text and get_language_bidi() else text


def _name(rule: LinkRule) -> str:
    values = {"line": rule.line, "number": rule.number, "source": isolated(rule.source)}
    if rule.line:
        return _("line %(line)d (%(source)s)") % values
    if rule.number:
        return _("rule %(number)d (%(source)s)") % values
    return _("this rule (%(source)s)") % values
