"""What an Accept header takes. Pure."""

from __future__ import annotations


def accepts_html(accept: str | None) -> bool:
    """Whether an Accept header takes HTML (RFC 9110, 12.5.1). A missing header does not count:
    every browser sends one, and only page loads may move."""
    if accept is None:
        return False
    best: tuple[int, float] = (-1, 0.0)
    for item in accept.split(","):
        media_range, *parameters = (part.strip().lower() for part in item.split(";"))
        precision = _HTML_RANGES.get(media_range)
        # The most specific range decides, whatever its weight.
        if precision is not None and precision > best[0]:
            best = (precision, _weight(parameters))
    return best[1] > 0


_HTML_RANGES = {"*/*": 0, "text/*": 1, "application/xhtml+xml": 2, "text/html": 3}


def _weight(parameters: list[str]) -> float:
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                return float(parameter[2:])
            except ValueError:
                return 0.0
    return 1.0
