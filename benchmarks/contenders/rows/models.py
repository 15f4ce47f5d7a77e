"""The tables of what is usually written first."""

from __future__ import annotations

from django.db import models


class Setting(models.Model):
    """Whether a tenant has moved."""

    tenant = models.CharField(max_length=63, unique=True)
    moved = models.BooleanField(default=False)

    def __str__(self) -> str:
        return self.tenant


class Prefix(models.Model):
    """Where the pages below a path have gone."""

    path = models.CharField(max_length=200, unique=True)
    target = models.CharField(max_length=200)

    def __str__(self) -> str:
        return self.path
