"""For `make mutants`: nothing is remembered from one test to the next.

A test that is answered from memory would not run the function whose mutants it should kill.
"""

from __future__ import annotations

from typing import Any

from redirection.memories import Memory


def _say(self: Memory[Any, Any], asked: Any) -> Any:
    return self.function(asked)


Memory.__missing__ = _say  # type: ignore[method-assign]
