"""Content-addressed files; and expiring addresses below ``/storage``.

A file arrives under a temporary name, is counted and hashed on the way, and is renamed to its SHA-256 when whole: the
same bytes are kept once, and a file that is there is whole. Addresses carry their end and a signature over method, path
and query, so that no account is asked for.
"""

from __future__ import annotations

import hmac
import os
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit
from uuid import uuid4

import fsspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from encord_convert.errors import ReadError
from encord_convert.sdk.exceptions import AuthorisationError, FileSizeNotSupportedError, ResourceNotFoundError
from encord_convert.service.clouds import Clouds

PREFIX = "/storage"
UPLOAD_S = 24 * 3600.0
"""Lifetime of an upload address, in seconds."""
DOWNLOAD_S = 7 * 24 * 3600.0
"""Lifetime of a download address, in seconds."""
MOST_BYTES = 64 << 30
"""Of one file."""
SHORT = 1 << 20
"""Bytes of an answer that is not worth a file."""
LEFT_S = 24 * 3600.0
"""Seconds after which an incomplete upload is abandoned."""
SECRET_FILE = "secret"
SECRET_BYTES = 32


class Storage:
    """The files of a service.

    Parameters
    ----------
    folder : Path
        Of the service; files lie below ``files``.
    """

    def __init__(self, folder: Path) -> None:
        self._files: Any = fsspec.filesystem("file")
        self._root = str(folder / "files")
        self._files.makedirs(f"{self._root}/incoming", exist_ok=True)
        os.chmod(self._root, 0o700)
        self._sweep()
        self.secret = _secret(folder / SECRET_FILE)
        self.clouds = Clouds()
        """Private data that was not uploaded."""

    def seal(self, data: bytes) -> bytes:
        """Encrypt stored values that may contain keys."""
        nonce = os.urandom(12)
        return nonce + AESGCM(self.secret).encrypt(nonce, data, None)

    def unseal(self, sealed: bytes) -> bytes:
        """Undo :meth:`seal`."""
        return AESGCM(self.secret).decrypt(sealed[:12], sealed[12:], None)

    @contextmanager
    def incoming(self) -> Iterator[Incoming]:
        """Receive a file; it is discarded unless :meth:`Incoming.keep` is called."""
        path = f"{self._root}/incoming/{uuid4()}"
        stream = self._files.open(path, "wb")
        file = Incoming(self, stream, path)
        try:
            yield file
        finally:
            stream.close()
            with suppress(FileNotFoundError):
                self._files.rm_file(path)

    def spooled(self, parts: Iterable[bytes]) -> bytes | tuple[IO[bytes], int]:
        """Return what comes in parts whole; if it is long, as a file that is nowhere to be seen, and its size."""
        short = bytearray()
        rest = iter(parts)
        for part in rest:
            short += part
            if len(short) > SHORT:
                break
        else:
            return bytes(short)
        with ExitStack() as unless_whole:
            file = unless_whole.enter_context(self.scratch())
            file.write(short)
            file.writelines(rest)
            size = file.tell()
            file.seek(0)
            unless_whole.pop_all()
        return file, size

    def scratch(self) -> IO[bytes]:
        """Return an empty anonymous file, removed on closing."""
        return TemporaryFile(dir=f"{self._root}/incoming")

    def _sweep(self) -> None:
        """Remove incomplete uploads left by a killed process."""
        for file in self._files.ls(f"{self._root}/incoming", detail=True):
            if file["mtime"] < time.time() - LEFT_S:
                self._files.rm_file(file["name"])

    def _keep(self, path: str, digest: str) -> None:
        target = self._path(digest)
        if self._files.exists(target):
            return
        folder = target.rpartition("/")[0]
        if not self._files.exists(folder):
            self._files.makedirs(folder, exist_ok=True)
            _flush_folder(self._root)
        self._files.mv(path, target)
        _flush_folder(folder)

    def open(self, digest: str) -> IO[bytes]:
        """Open a file by its SHA-256.

        Raises
        ------
        ResourceNotFoundError
            There is none.
        """
        try:
            stream: IO[bytes] = self._files.open(self._path(digest), "rb")
        except FileNotFoundError:
            raise ResourceNotFoundError("The storage has no such file.") from None
        return stream

    def _path(self, digest: str) -> str:
        assert len(digest) == 64 and set(digest) <= set("0123456789abcdef")
        return f"{self._root}/{digest[:2]}/{digest}"

    def upload_url(self, base_url: str, data_hash: str, now: float) -> str:
        """Return the address a file is sent to."""
        return self._signed("PUT", base_url, f"{PREFIX}/uploads/{data_hash}", {}, now + UPLOAD_S)

    def download_url(self, base_url: str, digest: str, name: str, type_: str | None, now: float) -> str:
        """Return the address a file is fetched from.

        Parameters
        ----------
        base_url : str
        digest : str
            SHA-256 of the file.
        name : str
            What it is called when it is kept.
        type_ : str or None
            Its MIME type.
        now : float
        """
        path = f"{PREFIX}/files/{digest}/{quote(name.rpartition('/')[2] or 'file', safe='')}"
        # Whole days, so that an address stays the same for a while and is kept by browsers.
        ends = (now // 86400 + 1) * 86400 + DOWNLOAD_S
        return self._signed("GET", base_url, path, {"type": type_} if type_ else {}, ends)

    def _signed(self, method: str, base_url: str, path: str, query: dict[str, str], ends: float) -> str:
        target = f"{path}?{urlencode({**query, 'expires': int(ends)})}"
        return f"{base_url}{target}&signature={self._signature(method, target)}"

    def _signature(self, method: str, target: str) -> str:
        digest = hmac.digest(self.secret, f"{method} {target}".encode(), "sha256")
        return urlsafe_b64encode(digest).decode().rstrip("=")

    def checked(self, method: str, target: str, now: float) -> tuple[list[str], dict[str, str]]:
        """Return path parts below ``/storage`` and query of a valid address.

        Raises
        ------
        AuthorisationError
            The address is not one of ours, or its time is over.
        """
        signed, _, signature = target.rpartition("&signature=")
        right = self._signature("GET" if method == "HEAD" else method, signed)
        if not hmac.compare_digest(right.encode(), signature.encode()):
            raise AuthorisationError("This address was not made by this service, or is for another method.")
        parts = urlsplit(signed)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if float(query["expires"]) < now:
            raise AuthorisationError("This address has expired. Ask for a new one.")
        return parts.path.removeprefix(PREFIX + "/").split("/"), query


class Incoming:
    """A file that is arriving."""

    def __init__(self, storage: Storage, stream: Any, path: str) -> None:
        self._storage, self._stream, self._path = storage, stream, path
        self._digest = sha256()
        self.size = 0

    def write(self, part: bytes) -> None:
        """Take the next bytes.

        Raises
        ------
        FileSizeNotSupportedError
            The file is larger than storage takes.
        """
        self.size += len(part)
        if self.size > MOST_BYTES:
            raise FileSizeNotSupportedError(f"A file may have {MOST_BYTES >> 30} GiB.")
        self._digest.update(part)
        self._stream.write(part)

    def keep(self) -> str:
        """Flush the file to the disk, give it its name, and return that: its SHA-256."""
        self._stream.flush()
        os.fsync(self._stream.fileno())
        self._stream.close()
        digest = self._digest.hexdigest()
        self._storage._keep(self._path, digest)
        return digest


def _flush_folder(folder: str) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _secret(file: Path) -> bytes:
    """Return the secret of the service, 32 bytes that are made once and readable by its owner alone."""
    if not file.exists():
        temporary = file.with_name(f".{uuid4()}")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(os.urandom(SECRET_BYTES))
            stream.flush()
            os.fsync(stream.fileno())
        with suppress(FileExistsError):  # another process was first
            os.link(temporary, file)
        temporary.unlink()
    secret = file.read_bytes()
    if len(secret) != SECRET_BYTES:
        raise ReadError(
            str(file),
            f"has {len(secret)} bytes; the secret of a service has {SECRET_BYTES}.",
            advice="Bring it back from a copy. Without it, what is sealed in the database cannot be read.",
        )
    return secret
