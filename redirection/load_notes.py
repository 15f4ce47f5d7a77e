"""A note on the load of a page, from who decides on it to the portal script in that page.

A page of this project says in its own tags how it was asked for. A page that is not ours says
so in ``Server-Timing``, which a script reads of its own page. It is not signed: whoever writes
another one moves, or keeps, the own tab.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from redirection.decisions import Reason
from redirection.request_classes import RequestClass
from redirection.visits import Visit


@dataclass(frozen=True, slots=True)
class LoadNote:
    """How a page was asked for, and when (milliseconds since the epoch).

    ``in_a_loop``: it is shown because the destination sent the browser back too often.
    """

    request_class: RequestClass
    at: int
    in_a_loop: bool = False

    @property
    def text(self) -> str:
        """``page_load 1767600000000``, and ``loop`` behind it."""
        return f"{self.request_class} {self.at}{' loop' if self.in_a_loop else ''}"


def server_timing(visit: Visit) -> str | None:
    """The value of ``Server-Timing`` (W3C) for the page of ``visit``; None where it is no page.

    What a form was answered has none: the portal script leaves it alone.
    """
    if visit.tenant is None or visit.decision.reason is Reason.EXEMPT:
        return None
    if not (visit.page_load or visit.request_class is RequestClass.PASSED_ON):
        return None
    note = LoadNote(visit.request_class, visit.now, visit.is_in_a_loop)
    return f'redirection;desc="{note.text}"'


_NOTE = re.compile(r"([a-z_]{1,20}) ([0-9]{1,15})( loop)?", re.ASCII)
_CLASSES = {str(kind): kind for kind in RequestClass}


def read(text: str) -> LoadNote | None:
    """The note in ``text``; None for anything else."""
    found = _NOTE.fullmatch(text)
    if found is None or found[1] not in _CLASSES:
        return None
    return LoadNote(_CLASSES[found[1]], int(found[2]), in_a_loop=found[3] is not None)
