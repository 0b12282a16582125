"""Clients of a service in the same process, behind a socket, or in the same process on PostgreSQL.

``SERVICE_DATABASE=postgresql+psycopg://…`` runs all tests on schemas of their own in that database. Without it, those
that say so run on a PostgreSQL that is started for them. ``SERVICE_PROTOCOL=newest`` runs services that speak only the
newest protocol.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from postgresql import THROWAWAY, schema_of

from encord_convert.sdk.configs import UserConfig
from encord_convert.sdk.http._calls import Querier, Session
from encord_convert.sdk.http._retries import Clock
from encord_convert.sdk.http.transport import AppTransport, SocketTransport, Transport
from encord_convert.sdk.user_client import EncordUserClient
from encord_convert.service.app import Service, open_service
from encord_convert.service.server import Server
from encord_convert.service.store.users import add_key

GIVEN_DATABASE = os.environ.get("SERVICE_DATABASE")
WAYS = ("in process", "socket") if GIVEN_DATABASE else ("in process", "socket", "PostgreSQL")


def key_of(name: str) -> Ed25519PrivateKey:
    """The private key of a made-up user."""
    return Ed25519PrivateKey.from_private_bytes(sha256(name.encode()).digest())


class Running:
    """A service, and clients of it.

    ``service`` is the service itself; ``url`` where it listens, or a made-up address in the same process.
    """

    def __init__(self, service: Service, way: str) -> None:
        self.service = service
        self.way = way
        self._stop = None
        self.url = "http://in-process"
        if way == "socket":
            server = Server(service)
            self._stop = server.start()
            self.url = server.url

    def user(self, name: str = "ann") -> EncordUserClient:
        """The client of a user, NAME@example.com, who is made if new."""
        key = key_of(name)
        public = key.public_key().public_bytes_raw().hex()
        self.service.database.write(lambda db: _registered(db, f"{name}@example.com", public)).result()
        return self.stranger(name)

    def stranger(self, name: str) -> EncordUserClient:
        """The client of somebody whose key the service may not know."""
        config = UserConfig(key_of(name), self.url)
        return EncordUserClient(config, Querier(config, Session(self.transport(), Clock(sleep=lambda _: None))))

    def transport(self) -> Transport:
        """What requests go through."""
        return SocketTransport() if self.way == "socket" else AppTransport(self.service.answer)

    def close(self) -> None:
        if self._stop:
            self._stop()
        self.service.close()


def _registered(db, email: str, public: str) -> None:
    from encord_convert.service.store.users import user_of_key

    if user_of_key(db, public) is None:
        add_key(db, email, public, 1_700_000_000.0)


def database_of(folder: Path, way: str = "in process") -> str | None:
    """The address of the database of a folder; None for the file in it."""
    url = GIVEN_DATABASE or (THROWAWAY.start() if way == "PostgreSQL" else None)
    return url and schema_of(url, folder)


@contextmanager
def running(folder: Path, way: str = "in process", **options) -> Iterator[Running]:
    """A service on a folder, until the end of the block."""
    options.setdefault("is_newest", os.environ.get("SERVICE_PROTOCOL") == "newest")
    it = Running(open_service(folder, database_of(folder, way), **options), way)
    try:
        yield it
    finally:
        it.close()
