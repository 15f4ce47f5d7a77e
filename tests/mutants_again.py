"""The second half of `make mutants`: each mutant that lived is asked once more.

    python -m tests.mutants_again NAME ...

Prints the names of those that live again. mutmut forks one process that has imported everything:
what runs on import was made before the mutant was there, and what waits for a thread of the
process before waits for ever. Here each mutant has a process of its own, and the tests of its
module. To be called where mutmut has left its copy, in ``mutants/``.
"""

from __future__ import annotations

import os
import subprocess
import sys

# The tests of each module, those that find most first.
TESTS = {
    "decisions": ["decisions", "middleware", "gate"],
    "deep_links": ["deep_link_names", "deep_links", "link_rules", "traffic", "unmatched"],
    "legacy_hosts": ["legacy_hosts", "middleware", "gate"],
    "models.append_only": ["append_only", "history_trail"],
    "models.history": ["history_trail", "switch_redirection", "append_only", "history_export"],
    "refusals": ["refusals_told", "refusals"],
    "request_classes": ["request_classes_headers", "request_classes", "middleware"],
    "roles": ["roles"],
}
SECONDS = 120


def lives(name: str) -> bool:
    """Whether all tests of its module pass with this mutant; one that takes too long is dead."""
    # redirection.models.history.x_... or ...xǁRevisionǁwas__mutmut_1
    module = name.removeprefix("redirection.").rpartition(".x")[0]
    files = [f"tests/test_{test}.py" for test in TESTS[module]]
    try:
        done = subprocess.run(
            [
                *(sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"),
                *("-p", "no:randomly", "-p", "tests.without_memories"),
                *(file for file in files if os.path.exists(file)),  # noqa: PTH110
            ],
            env={**os.environ, "MUTANT_UNDER_TEST": name},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


if __name__ == "__main__":
    for asked in sys.argv[1:]:
        if lives(asked):
            print(asked, flush=True)  # noqa: T201
