"""The documented errors: everything the SDK raises on purpose derives from :class:`EncordException`.

The text of an error is its message followed by the moment it was made, so that a report can be matched with the
log of a server. ``message`` holds the message alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime


@dataclass
class ExceptionContext:
    """The circumstances of an error: the moment it was made, ISO 8601, UTC."""

    timestamp: str = field(default_factory=lambda: datetime.now(UTC).isoformat())

    def __str__(self) -> str:
        return f"timestamp={self.timestamp!r}"


class EncordException(Exception):
    """The root of all errors raised on purpose."""

    def __init__(self, message: str, context: ExceptionContext | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.context = context or ExceptionContext()

    def __str__(self) -> str:
        return f"{self.message} {self.context}"


CordException = EncordException


class InitialisationError(EncordException):
    """A client was started without what it needs."""


class AuthenticationError(EncordException):
    """The key is unknown or wrong."""


class AuthorisationError(EncordException):
    """The key is known and may not do this."""


class ResourceNotFoundError(EncordException):
    """Nothing has this identifier, or it is hidden from this key."""


class TimeOutError(EncordException):
    """The server did not answer in time."""


class RequestException(EncordException):
    """The request did not reach the server, or its answer did not come back whole."""


class UnknownException(EncordException):
    """The server reported an error this version has no class for."""


class InvalidDateFormatError(EncordException):
    """A date is not in a form the server reads."""


class MethodNotAllowedError(EncordException):
    """The server does not do this to that kind of resource."""


class OperationNotAllowed(EncordException):
    """The resource is in a state that forbids the operation."""


class AnswerDictionaryError(EncordException):
    """A label row's answers do not fit its labels."""


class CorruptedLabelError(EncordException):
    """A label row cannot be read as labels."""


class FileTypeNotSupportedError(EncordException):
    """The server does not take files of this type."""


class FileSizeNotSupportedError(EncordException):
    """The file is larger than the server takes."""


class FeatureDoesNotExistError(EncordException):
    """The ontology has no feature of this hash."""


class ModelWeightsInconsistentError(EncordException):
    """The weights do not fit the model."""


class ModelFeaturesInconsistentError(EncordException):
    """The features do not fit the model."""


class UploadOperationNotSupportedError(EncordException):
    """This storage takes no uploads of this kind."""


class DetectionRangeInvalidError(EncordException):
    """The frames to detect on are not frames of the medium."""


class InvalidAlgorithmError(EncordException):
    """The server knows no such labelling algorithm."""


class ResourceExistsError(EncordException):
    """Something of this identifier exists already."""


class DuplicateSshKeyError(EncordException):
    """This public key is registered already."""


class SshKeyNotFound(EncordException):
    """No such public key is registered."""


class InvalidArgumentsError(EncordException):
    """The server does not accept the arguments."""


class GenericServerError(EncordException):
    """The server failed."""


class CloudUploadError(EncordException):
    """A file did not reach its storage."""


class MultiLabelLimitError(EncordException):
    """More label rows were asked for at once than the server gives.

    Parameters
    ----------
    maximum_labels_allowed : int
        How many it gives.
    """

    def __init__(self, message: str, maximum_labels_allowed: int, context: ExceptionContext | None = None) -> None:
        super().__init__(message, context)
        self.maximum_labels_allowed = maximum_labels_allowed


class LabelRowError(EncordException):
    """A rule of the label model is broken: not initialised, already assigned, a frame twice, the wrong shape …"""


class OntologyError(EncordException):
    """An ontology element is not there, or is there more than once."""


class WrongProjectTypeError(EncordException):
    """The member belongs to the other kind of project: with a workflow, or without one."""
