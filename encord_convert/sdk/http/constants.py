"""Patience: how long and how often a request is tried.

Source: wire protocol, "Timeouts and settings".
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class RequestsSettings:
    """How long to wait for the service, and how often to ask again.

    Parameters
    ----------
    max_retries : int
        Further attempts after an answer that asks for one (413, 429, 500, 503) or a lost connection, where asking
        twice does no harm.
    backoff_factor : float
        Seconds; the wait before further attempt n from the second on is up to ``backoff_factor * 2 ** (n - 1)``.
    connection_retries : int
        Further attempts where no connection was made at all; for every call.
    connect_timeout, read_timeout, write_timeout : int
        Seconds to wait for a connection, for an answer when reading, for an answer when writing.
    """

    max_retries: int = 3
    backoff_factor: float = 1.5
    connection_retries: int = 3
    connect_timeout: int = 180
    read_timeout: int = 180
    write_timeout: int = 180


DEFAULT_REQUESTS_SETTINGS = RequestsSettings()
