"""Lists in pages."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Page, Paginator


def nearest_page(objects: Any, a_page: int, asked: str) -> tuple[Page[Any], bool]:
    """The page asked for, else the nearest one, and whether that is another."""
    paginator: Paginator[Any] = Paginator(objects, a_page)
    try:
        number = int(asked)
    except ValueError:
        return paginator.page(1), True
    nearest = min(max(number, 1), paginator.num_pages)
    return paginator.page(nearest), nearest != number
