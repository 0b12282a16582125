"""A local service in a process of its own, and our command that talks to it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ROOT = Path(__file__).parents[2]
COMMAND = (sys.executable, "-m", "encord_convert")


def environment() -> dict[str, str]:
    """Return the environment of our command, with what is compiled kept as it is for whoever installed it."""
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPATH": str(ROOT)}


class Served:
    """A service on a folder. It may be killed, and started again at the same address.

    Parameters
    ----------
    folder : path
        Holds its data and the key of its one user.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.key = folder / "key"
        form = serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
        self.key.write_bytes(Ed25519PrivateKey.generate().private_bytes(*form))
        self.port = 0
        self.start()

    def start(self) -> None:
        """Start it, and wait until it listens."""
        words = [*COMMAND, "serve", "--data", str(self.folder / "data"), "--port", str(self.port), "--print-url"]
        words += ["--trust-first-key", "--protocol", os.environ.get("SERVICE_PROTOCOL", "every")]
        self.process = subprocess.Popen(
            words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment()
        )
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()
        self.port = int(self.url.rpartition(":")[2])

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.communicate()

    def close(self) -> None:
        """End it in order."""
        self.process.terminate()
        self.process.communicate()

    def reach(self) -> list[str]:
        """Return the options of our command that lead to it."""
        return ["--domain", self.url, "--key", str(self.key)]

    def cpu_s(self) -> float:
        """Return the CPU time it has taken so far, in seconds."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
