"""When a request is sent again, and after how long.

A request is sent again where it was never seen, where the service asks for it (413, 429, 500, 503), and where its
reply was lost; the last two only if sending it twice does no harm. Waits grow, with full jitter, so that many clients
that failed together do not come back together; a ``Retry-After`` is a least wait.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from encord_convert.sdk.http.transport import NotConnected, Reply, ReplyLost, Request, Transport, TransportError

ASKING_AGAIN = frozenset({413, 429, 500, 503})
"""HTTP statuses after which a repeatable request is sent again."""
_OBEYED = frozenset({413, 429, 503})
LONGEST_WAIT_S = 120.0
MOST_ATTEMPTS = 11


@dataclass(frozen=True, slots=True)
class Clock:
    """Time and chance, so that tests can have their own.

    Parameters
    ----------
    now : callable
        Unix seconds.
    sleep : callable
        Takes seconds.
    draw : callable
        A number from 0 to 1.
    """

    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    draw: Callable[[], float] = random.random


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a request is sent again.

    Parameters
    ----------
    retries : int
        After a status that asks for it or a lost reply; 0 for what may not be sent twice.
    connection_retries : int
        After a connection that was not made.
    backoff_s : float
    """

    retries: int
    connection_retries: int
    backoff_s: float


def send(
    transport: Transport, request: Callable[[], Request], retry_policy: RetryPolicy, clock: Clock
) -> tuple[Reply, int]:
    """Send a request until it gets a final reply, or retries are exhausted.

    Parameters
    ----------
    transport : Transport
    request : callable
        Makes the request again for each attempt: signatures age, and files begin at their beginning again.
    patience : Patience
    clock : Clock

    Returns
    -------
    Reply
        The last one; its status may still be one that asks for another attempt.
    int
        Attempts that were made.

    Raises
    ------
    TransportError
        That of the last attempt.
    """
    retries = connections = 0
    for attempt in range(1, MOST_ATTEMPTS + 1):
        failure: TransportError | None = None
        reply: Reply | None = None
        try:
            reply = transport.send(request())
        except (NotConnected, ReplyLost) as error:
            failure = error
        if isinstance(failure, NotConnected):
            connections += 1
            is_over = connections > retry_policy.connection_retries
        elif failure is not None or (reply is not None and reply.status in ASKING_AGAIN):
            retries += 1
            is_over = retries > retry_policy.retries
        else:
            is_over = True
        if is_over or attempt == MOST_ATTEMPTS:
            if reply is not None:
                return reply, attempt
            assert failure is not None
            raise failure
        clock.sleep(wait_s(attempt, reply, retry_policy.backoff_s, clock))
    raise AssertionError  # the last attempt returns or raises


def wait_s(attempt: int, reply: Reply | None, backoff_s: float, clock: Clock) -> float:
    """Return how many seconds to wait after the ``attempt``-th attempt, counted from 1.

    Up to ``backoff_s * 2 ** (attempt - 1)``, drawn evenly; at least what the service asks for.
    """
    grown: float = min(backoff_s * 2 ** (attempt - 1), LONGEST_WAIT_S) * clock.draw()
    return max(grown, _asked_s(reply, clock))


def _asked_s(reply: Reply | None, clock: Clock) -> float:
    """Return the seconds of ``Retry-After``: a number, or a date."""
    if reply is None or reply.status not in _OBEYED:
        return 0.0
    text = reply.headers.get("retry-after", "").strip()
    if text.isdigit():
        return min(float(text), LONGEST_WAIT_S)
    try:
        return min(max(parsedate_to_datetime(text).timestamp() - clock.now(), 0.0), LONGEST_WAIT_S)
    except (ValueError, TypeError):
        return 0.0
