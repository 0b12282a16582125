"""How files are sent to storage.

Source: wire protocol, "Uploading files".
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class CloudUploadSettings:
    """How often sending a file is tried, and whether one that fails stops the others.

    Parameters
    ----------
    max_retries : int, optional
        Further attempts; by default those of the client's request settings.
    backoff_factor : float, optional
        Seconds, as in the request settings; by default theirs.
    allow_failures : bool
        Whether what could be sent is registered although a file failed. If every file failed, nothing is.
    """

    max_retries: int | None = None
    backoff_factor: float | None = None
    allow_failures: bool = False
