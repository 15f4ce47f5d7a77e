"""What keeps the demo from starting or running."""

from __future__ import annotations


class DemoError(Exception):
    """One line for the person at the shell: what is wrong, and what to type."""

    exit_code = 2


class DemoFailed(DemoError):
    """It started, and then something went wrong that was printed before."""

    exit_code = 1
