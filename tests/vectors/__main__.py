"""``python -m tests.vectors`` writes ``decisions.jsonl`` anew from the tables."""

from __future__ import annotations

from tests.vectors.runner import FILE
from tests.vectors.tables import text

if __name__ == "__main__":
    FILE.write_text(text())
