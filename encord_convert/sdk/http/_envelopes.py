"""What a request of the envelope API is wrapped in, and what its reply means.

Source: wire protocol, sections 2 and 4; ``fixtures/wire/errors.json``.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import msgspec

from encord_convert.sdk import exceptions
from encord_convert.sdk.exceptions import EncordException, ExceptionContext, RequestException
from encord_convert.sdk.http.routes import Query, Verb


@dataclass
class TracedContext(ExceptionContext):
    """The circumstances of an error of the service: the moment, and the trace of the request."""

    trace_id: str | None = field(default=None)
    span_id: str | None = field(default=None)

    def __str__(self) -> str:
        parts = {"timestamp": self.timestamp, "trace_id": self.trace_id, "span_id": self.span_id}
        return " ".join(f"{name}={value!r}" for name, value in parts.items() if value is not None)


def _plain(value: Any) -> Any:
    if isinstance(value, set | frozenset):
        return sorted(value)
    if isinstance(value, Enum):
        return value.value
    raise TypeError(f"{type(value).__name__} has no form in a request.")


def request_bytes(query: Query, verb: Verb, uid: Any, payload: Any) -> bytes:
    """Return the body of a request: four keys in their order, ASCII.

    >>> request_bytes(Query.CLOUD_INTEGRATION, Verb.GET, None, None)
    b'{"query_type": "cloudintegration", "query_method": "GET", "values": {"uid": null, "payload": null}}'
    """
    envelope = {"query_type": query.value, "query_method": verb.value, "values": {"uid": uid, "payload": payload}}
    return json.dumps(envelope, default=_plain).encode()


class Envelope(msgspec.Struct):
    """The body of a reply."""

    status: Any = None
    response: Any = None
    payload: Any = None


_decoder = msgspec.json.Decoder(Envelope)

CODES: dict[str, type[EncordException]] = {
    "AUTHENTICATION_ERROR": exceptions.AuthenticationError,
    "AUTHORISATION_ERROR": exceptions.AuthorisationError,
    "RESOURCE_NOT_FOUND_ERROR": exceptions.ResourceNotFoundError,
    "METHOD_NOT_ALLOWED_ERROR": exceptions.MethodNotAllowedError,
    "UNKNOWN_ERROR": exceptions.UnknownException,
    "OPERATION_NOT_ALLOWED": exceptions.OperationNotAllowed,
    "ANSWER_DICTIONARY_ERROR": exceptions.AnswerDictionaryError,
    "CORRUPTED_LABEL_ERROR": exceptions.CorruptedLabelError,
    "FILE_TYPE_NOT_SUPPORTED_ERROR": exceptions.FileTypeNotSupportedError,
    "FILE_SIZE_NOT_SUPPORTED_ERROR": exceptions.FileSizeNotSupportedError,
    "FEATURE_DOES_NOT_EXIST_ERROR": exceptions.FeatureDoesNotExistError,
    "MODEL_WEIGHTS_INCONSISTENT_ERROR": exceptions.ModelWeightsInconsistentError,
    "MODEL_FEATURES_INCONSISTENT_ERROR": exceptions.ModelFeaturesInconsistentError,
    "UPLOAD_OPERATION_NOT_SUPPORTED_ERROR": exceptions.UploadOperationNotSupportedError,
    "DETECTION_RANGE_INVALID_ERROR": exceptions.DetectionRangeInvalidError,
    "INVALID_DATE_FORMAT_ERROR": exceptions.InvalidDateFormatError,
    "RESOURCE_EXISTS_ERROR": exceptions.ResourceExistsError,
    "DUPLICATE_SSH_KEY_ERROR": exceptions.DuplicateSshKeyError,
    "SSH_KEY_NOT_FOUND_ERROR": exceptions.SshKeyNotFound,
    "INVALID_ARGUMENTS_ERROR": exceptions.InvalidArgumentsError,
    "WRONG_PROJECT_TYPE_ERROR": exceptions.WrongProjectTypeError,
}
"""Codes of the service to classes; ``MULTI_LABEL_LIMIT_ERROR`` has a class with a number of its own."""

MULTI_LABEL_LIMIT = "MULTI_LABEL_LIMIT_ERROR"
USUAL_LABEL_LIMIT = 100

_OWN_WORDS = ("RESOURCE_NOT_FOUND_ERROR", "INVALID_ARGUMENTS_ERROR", "WRONG_PROJECT_TYPE_ERROR")
"""Codes whose payload, if it is a text, is the message and nothing else."""


def response_of(body: bytes, status: int, context: TracedContext, asked: str) -> Any:
    """Return the response of a reply.

    Parameters
    ----------
    body : bytes
    status : int
        HTTP status, for the message only: the envelope's own counts.
    context : TracedContext
    asked : str
        What was asked, for the message.

    Raises
    ------
    EncordException
        The error the service reports.
    RequestException
        The body is no envelope.
    """
    try:
        envelope = _decoder.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        place = str(error) if body else "it is empty"
        raise RequestException(
            f"{asked}: the answer (HTTP {status}) is not what the service sends: {place}. "
            f"Is the domain right? It begins: {excerpt(body)}",
            context,
        ) from None
    if envelope.status == 200 and not isinstance(envelope.status, bool | str):
        return envelope.response
    if envelope.status is None:
        raise exceptions.GenericServerError(
            f"{asked}: the answer (HTTP {status}) has no status. It begins: {excerpt(body)}", context
        )
    raise error_of(envelope, context, asked)


def error_of(envelope: Envelope, context: TracedContext, asked: str) -> EncordException:
    """Return the error an envelope reports."""
    codes, detail = envelope.response, envelope.payload
    code = codes[0] if isinstance(codes, list) and len(codes) == 1 and isinstance(codes[0], str) else None
    if code == MULTI_LABEL_LIMIT:
        limit = detail.get("maximum_labels_allowed") if isinstance(detail, dict) else None
        limit = limit if isinstance(limit, int) else USUAL_LABEL_LIMIT
        message = f"{asked}: at most {limit} label rows can be asked for at once."
        return exceptions.MultiLabelLimitError(message, limit, context)
    class_ = CODES.get(code or "")
    if class_ is None:
        return exceptions.GenericServerError(
            f"{asked}: the service reports {_code(codes)} (status {envelope.status!r}).{_shown(detail)}", context
        )
    if code in _OWN_WORDS and detail:
        return class_(told(detail if isinstance(detail, str) else json.dumps(detail)), context)
    summary = (class_.__doc__ or "").partition("\n")[0]
    return class_(f"{asked}: {summary}{_shown(detail)}", context)


def _code(codes: Any) -> str:
    """Return the error code. Anything not shaped like one might be a key, and is not shown."""
    words = codes if isinstance(codes, list) else [codes]
    if words and all(isinstance(word, str) and re.fullmatch("[A-Z0-9_]+", word) for word in words):
        return " and ".join(words)
    return f"no code but {type(codes).__name__}"


def _shown(detail: Any) -> str:
    if detail is None:
        return ""
    return f" The service says: {told(detail if isinstance(detail, str) else json.dumps(detail))}"


_QUERY = re.compile(r"""(://[^\s"'?]*)\?[^\s"']*""")


def told(text: str) -> str:
    """Return a message of the service without URL queries, which may hold signatures.

    >>> told("see https://bucket.example/a.png?X-Signature=abc for more")
    'see https://bucket.example/a.png?… for more'
    """
    return _QUERY.sub(r"\1?…", text)


def excerpt(body: bytes, length: int = 120) -> str:
    """Return the beginning of a body for a message. What might be a record is not shown.

    >>> excerpt(b"<html>" + bytes(4))
    "'<html>\\\\x00\\\\x00\\\\x00\\\\x00'"
    >>> excerpt(b'{"api_key": "a')
    '14 bytes like JSON'
    """
    if body.lstrip()[:1] in (b"{", b"[", b'"'):
        return f"{len(body)} bytes like JSON"
    return repr(told(body[:length].decode("utf-8", "replace")))
