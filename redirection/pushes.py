"""Tells other processes at once that something has changed. What it is they read in the store.

A push only wakes: whoever misses one asks the store after ``REDIRECTION_REFRESH`` seconds in any
case. With ``REDIRECTION_REDIS_URL`` it goes through Redis. Else PostgreSQL carries it, and on
SQLite a worker looks at a counter of the file so often that none is needed.
"""

from __future__ import annotations

import logging
import socket
import time
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

from django.core.signals import setting_changed
from django.db import Error, connection, transaction
from django.dispatch import receiver

from redirection.conf import conf
from redirection.rare_logs import Rarely

if TYPE_CHECKING:
    from redis import Redis
    from redis.client import PubSub

logger = logging.getLogger(__name__)

CHANNEL = "redirection"
# Seconds between two looks at the counter of an SQLite file; a look takes some microseconds.
_LOOK = 0.05
# Seconds Redis may take to answer: longer than it ever does, shorter than anybody minds.
_PATIENCE = 0.25
_failures = Rarely()


def announce() -> None:
    """Wake all others when the transaction under way has been committed. Raises DatabaseError."""
    if conf().redis_url:
        transaction.on_commit(_publish, robust=True)
    elif connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            # Sent with the commit, or not at all.
            cursor.execute(f"NOTIFY {CHANNEL}")


class Listener(Protocol):
    """Waits for pushes in one thread, on the connection that thread has to the store.

    Nothing is raised where it cannot listen: then a wait takes its full time.
    """

    def listen(self) -> None:
        """What is pushed from now on ends the next wait; what was before is forgotten."""

    def wait(self, seconds: float) -> None:
        """Return when something was pushed, at the latest after ``seconds``."""


def listener() -> Listener:
    """A listener that fits the store and the configuration."""
    if conf().redis_url:
        return _RedisListener()
    return _OF_STORES.get(connection.vendor, _Sleeper)()


class _Sleeper:
    """Where nothing is pushed."""

    def listen(self) -> None:
        """There is nothing to hear."""

    def wait(self, seconds: float) -> None:
        time.sleep(seconds)


class _FileListener:
    """SQLite: a counter that another connection's commit moves (PRAGMA data_version)."""

    def __init__(self) -> None:
        self._counter = -1

    def listen(self) -> None:
        try:
            self._counter = self._look()
        except Error:
            # Whoever asks the store next says so.
            self._counter = -1

    def wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(_LOOK, left) if self._counter >= 0 else left)
            try:
                if self._counter >= 0 and self._look() != self._counter:
                    return
            except Error:
                self._counter = -1

    def _look(self) -> int:
        with connection.cursor() as cursor:
            return int(cursor.execute("PRAGMA data_version").fetchone()[0])


class _PostgresqlListener:
    """PostgreSQL: LISTEN on the connection that also reads, so it takes none of its own."""

    def __init__(self) -> None:
        self._listens_on: object = None

    def listen(self) -> None:
        try:
            connection.ensure_connection()
            if self._listens_on is not connection.connection:
                with connection.cursor() as cursor:
                    cursor.execute(f"LISTEN {CHANNEL}")
                self._listens_on = connection.connection
            self._hear(0)
        except Error:
            self._listens_on = None

    def wait(self, seconds: float) -> None:
        if self._listens_on is None or self._listens_on is not connection.connection:
            time.sleep(seconds)
            return
        try:
            self._hear(seconds)
        except Error:
            # Gone in the middle of it: the next one listens on a new one.
            connection.close()

    def _hear(self, seconds: float) -> None:
        with connection.wrap_database_errors:
            for _ in connection.connection.notifies(timeout=seconds, stop_after=1):
                """One is as good as many."""


class _RedisListener:
    """A connection of its own to Redis, made anew whenever it is lost."""

    def __init__(self) -> None:
        self._channel: PubSub | None = None

    def listen(self) -> None:
        from redis import RedisError

        try:
            if self._channel is None:
                self._channel = _client().pubsub()  # type: ignore[no-untyped-call]
                self._channel.subscribe(CHANNEL)
                # The answer to that: from here on nothing is missed.
                self._channel.get_message(timeout=_PATIENCE)
            while self._channel.get_message(timeout=0):
                """What was before is forgotten."""
        except (RedisError, OSError) as error:
            self._failed(error)

    def wait(self, seconds: float) -> None:
        from redis import RedisError

        if self._channel is None:
            time.sleep(seconds)
            return
        try:
            self._channel.get_message(timeout=seconds)
        except (RedisError, OSError) as error:
            self._failed(error)

    def _failed(self, error: Exception) -> None:
        _log(error)
        if self._channel is not None:
            self._channel.close()
        self._channel = None


_OF_STORES: dict[str, type[Listener]] = {
    "sqlite": _FileListener,
    "postgresql": _PostgresqlListener,
}


def _publish() -> None:
    from redis import RedisError

    try:
        _client().publish(CHANNEL, "")
    except (RedisError, OSError) as error:
        _log(error)


def _log(error: Exception) -> None:
    if _failures.is_due():
        logger.warning("Redis does not answer, changes take longer to spread: %s", error)


@lru_cache(maxsize=1)
def _client() -> Redis:
    """A client whose every call ends soon. Raises ImportError."""
    from redis import Redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    return Redis.from_url(
        conf().redis_url,
        socket_timeout=_PATIENCE,
        socket_connect_timeout=_PATIENCE,
        # With retries each call would take many times as long.
        retry=Retry(NoBackoff(), 0),
        socket_keepalive=True,
        # A connection that died without a word is noticed within half a minute.
        socket_keepalive_options={
            socket.TCP_KEEPIDLE: 10,
            socket.TCP_KEEPINTVL: 5,
            socket.TCP_KEEPCNT: 3,
        },
    )


@receiver(setting_changed)
def forget(*, setting: str, **_: object) -> None:
    """``override_settings`` works because the client is built anew."""
    if setting == "REDIRECTION_REDIS_URL":
        _client.cache_clear()
