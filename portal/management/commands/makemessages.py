"""``makemessages``: Django's command as this project uses it, on both apps and all templates."""

from __future__ import annotations

from pathlib import Path

from django.core.management.base import CommandParser
from django.core.management.commands import makemessages

# What changes with every run, or names people and machines.
_DROPPED = (
    "Project-Id-Version",
    "Report-Msgid-Bugs-To",
    "POT-Creation-Date",
    "PO-Revision-Date",
    "Last-Translator",
    "Language-Team",
)
# The stand-in for Entra ID and the demo around it are for developers.
_IGNORED = ("tests", "benchmarks", "portal/demo", "build", "var")


class Command(makemessages.Command):
    help = "For developers: brings every catalogue up to date with the texts in the code."

    # A guess at a translation looks like one that somebody made.
    msgmerge_options = [*makemessages.Command.msgmerge_options, "--no-fuzzy-matching"]

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.set_defaults(
            all=True,
            add_location="file",
            ignore_patterns=list(_IGNORED),
            no_obsolete=True,
            no_wrap=True,
        )

    def write_po_file(self, potfile: str, locale: str) -> None:
        super().write_po_file(potfile, locale)
        catalogue = Path(potfile).parent / locale / "LC_MESSAGES" / f"{self.domain}.po"
        header, _, texts = catalogue.read_text(encoding="utf-8").partition("\n\n")
        catalogue.write_text(f"{_header(header, locale)}\n\n{texts}", encoding="utf-8")


def _header(header: str, locale: str) -> str:
    """The header of a catalogue with nothing in it that a translator does not need."""
    lines = [
        line
        for line in header.splitlines()
        if line and not line.startswith("#") and not line[1:].startswith(_DROPPED)
    ]
    return "\n".join(lines).replace('"Language: \\n"', f'"Language: {locale}\\n"')
