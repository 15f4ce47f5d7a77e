"""Rows that are written once: no page, command or query of the app edits or deletes them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NoReturn, TypeVar

from django.db import models

Row = TypeVar("Row", bound=models.Model)

# The columns of a history that hold a person's name.
NAMES = ("author_name", "person_name")


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

    def make_nameless(self, column: str, pseudonym: str) -> int:
        """Put ``pseudonym`` where a person's name stands; returns in how many rows.

        The one exception, for the erasure of somebody (docs/personal-data.md): what was done,
        when and why stays, whose name it was does not. Raises HistoryIsAppendOnly for a column
        that holds no name.
        """
        if column not in NAMES:
            raise HistoryIsAppendOnly
        return super().update(**{column: pseudonym})

    def bulk_create(
        self,
        objs: Iterable[Row],
        batch_size: int | None = None,
        ignore_conflicts: bool = False,
        update_conflicts: bool = False,
        update_fields: Iterable[str] | None = None,
        unique_fields: Iterable[str] | None = None,
    ) -> list[Row]:
        if update_conflicts:
            raise HistoryIsAppendOnly
        return super().bulk_create(objs, batch_size, ignore_conflicts)

    def bulk_update(
        self, objs: Iterable[Row], fields: Iterable[str], batch_size: int | None = None
    ) -> NoReturn:
        raise HistoryIsAppendOnly

    # A model with a primary key given by hand tries to update first, and so does a fixture.
    def _update(self, values: Sequence[Any]) -> int:
        if self.exists():
            raise HistoryIsAppendOnly
        return 0

    # What a deletion that cascades uses.
    def _raw_delete(self, using: str | None) -> NoReturn:
        raise HistoryIsAppendOnly


class AppendOnly(models.Model):
    """A row that is saved once and never again."""

    rows = AppendOnlyQuerySet.as_manager()

    class Meta:
        abstract = True
        # Django's own writes, such as those of related managers, go through it as well.
        base_manager_name = "rows"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise HistoryIsAppendOnly
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise HistoryIsAppendOnly
