"""Rows that are written once: no page, command or query of the app edits or deletes them."""

from __future__ import annotations

from typing import Any, NoReturn, TypeVar

from django.db import models

Row = TypeVar("Row", bound=models.Model)


class HistoryIsAppendOnly(TypeError):
    """A row of the history was about to be edited or deleted."""

    def __init__(self) -> None:
        super().__init__("The history is append-only.")


class AppendOnlyQuerySet(models.QuerySet[Row]):
    """A query set that only adds."""

    def update(self, **kwargs: Any) -> NoReturn:
        raise HistoryIsAppendOnly

    def delete(self) -> NoReturn:
        raise HistoryIsAppendOnly


class AppendOnly(models.Model):
    """A row that is saved once and never again."""

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise HistoryIsAppendOnly
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise HistoryIsAppendOnly
