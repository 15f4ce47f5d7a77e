"""All conformance vectors, as their file has them."""

from __future__ import annotations

import json

from tests.vectors.table_of_letters import LETTERS
from tests.vectors.table_of_requests import REQUESTS
from tests.vectors.table_of_visits import VISITS
from tests.vectors.worlds import WORLDS

VECTORS = [*VISITS, *REQUESTS, *LETTERS]


def text() -> str:
    """The file: a line for each world, then one for each vector."""
    lines = [*WORLDS, *VECTORS]
    return "".join(json.dumps(line, ensure_ascii=True) + "\n" for line in lines)
