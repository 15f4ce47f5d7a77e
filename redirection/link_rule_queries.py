"""What a deep link rule does with the parameters of a link: a small notation. Pure.

Instructions, separated by semicolons: ``keep`` (the default) or ``drop`` for all parameters,
then any of ``rename OLD=NEW``, ``drop NAME`` and ``set NAME=VALUE``. Names and values are
written as in an address, percent-encoded.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import unquote_plus

from redirection.link_parts import clean, name_of, parameters_of, read_name

# The tenant travels whatever else is dropped.
_TENANT = "tid"
_NAME = r"[^\s&#=;]+"
_INSTRUCTION = re.compile(
    rf"(?P<all>keep|drop)|drop\s+(?P<drop>{_NAME})|rename\s+(?P<old>{_NAME})=(?P<new>{_NAME})"
    rf"|set\s+(?P<set>{_NAME})=(?P<value>[^\s&#;]*)"
)


class NotAnInstruction(ValueError):
    """A text that is no instruction; ``instruction`` is what could not be read."""

    def __init__(self, instruction: str) -> None:
        super().__init__(instruction)
        self.instruction = instruction


@dataclass(frozen=True, slots=True)
class QueryHandling:
    """The instructions of one rule; names are compared as they read, not as they are encoded."""

    drop_all: bool = False
    dropped: frozenset[str] = frozenset()
    renamed: Mapping[str, str] = field(default_factory=dict)
    added: tuple[str, ...] = ()

    def applied(self, query: str) -> str:
        """``query`` after these instructions; what is kept stays as it came."""
        kept: list[str] = []
        parameters = [(read_name(one), one) for one in parameters_of(query)]
        # What is renamed replaces what already has that name.
        replaced = {
            unquote_plus(self.renamed[name]) for name, _ in parameters if name in self.renamed
        }
        for read, parameter in parameters:
            new = self.renamed.get(read)
            if new is not None:
                kept.append(new + parameter[len(name_of(parameter)) :])
            elif read not in self.dropped | replaced and (not self.drop_all or read == _TENANT):
                kept.append(parameter)
        return "&".join((*kept, *self.added))


@lru_cache(maxsize=4096)
def query_handling(text: str) -> QueryHandling:
    """The instructions in ``text``, empty for none. Raises NotAnInstruction."""
    drop_all, dropped, renamed, added = False, set(), {}, []
    for part in filter(None, map(str.strip, text.split(";"))):
        match = _INSTRUCTION.fullmatch(part)
        if match is None:
            raise NotAnInstruction(part)
        if match["all"]:
            drop_all = match["all"] == "drop"
        elif match["drop"]:
            dropped.add(unquote_plus(match["drop"]))
        elif match["old"]:
            renamed[unquote_plus(match["old"])] = clean(match["new"])
        else:
            # A parameter that is set replaces that of the link.
            dropped.add(unquote_plus(match["set"]))
            added.append(clean(f"{match['set']}={match['value']}"))
    return QueryHandling(drop_all, frozenset(dropped), renamed, tuple(added))
