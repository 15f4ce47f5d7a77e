"""An operator's shell beside a running demo, open for many commands.

Reads lines of JSON, each the words of one command, and answers each with a line of JSON: what
was printed. Starting a process for every command takes a second.
"""

from __future__ import annotations

import json
import sys
from contextlib import redirect_stdout
from io import StringIO

import django
from django.core.management import call_command
from django.db import connections


def main() -> None:
    django.setup()
    for line in sys.stdin:
        printed = StringIO()
        with redirect_stdout(printed):
            call_command(*json.loads(line))
        # As a process does that ends.
        connections.close_all()
        print(json.dumps(printed.getvalue()), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
