"""Where data lie."""

from __future__ import annotations

from enum import IntEnum

from encord_convert.sdk.exceptions import EncordException
from encord_convert.sdk.objects._addresses import seen_as

_WORDS = {0: "CORD_STORAGE", 1: "AWS_S3", 2: "GCP_STR", 3: "AZURE_STR", 4: "OTC_STR", -99: "NEW_STORAGE"}


class UnknownStorageError(EncordException, KeyError):
    """No storage is called so. Also a ``KeyError``, which it is elsewhere."""


@seen_as("encord_convert.sdk.orm.dataset:StorageLocation")
class StorageLocation(IntEnum):
    """Whose storage data lie in. Unknown numbers give the last.

    Source: wire protocol, "Enumerations on the wire".
    """

    CORD_STORAGE = 0
    AWS = 1
    GCP = 2
    AZURE = 3
    OTC = 4
    NEW_STORAGE = -99

    @classmethod
    def _missing_(cls, value: object) -> StorageLocation:
        return cls.NEW_STORAGE

    @staticmethod
    def from_str(string_location: str) -> StorageLocation:
        """Return the storage the wire calls by this word.

        Raises
        ------
        UnknownStorageError
            No storage is called so.

        >>> StorageLocation.from_str("AWS_S3")
        <StorageLocation.AWS: 1>
        """
        numbers = {word: number for number, word in _WORDS.items()}
        if string_location not in numbers:
            raise UnknownStorageError(f"No storage is called {string_location!r}; known are {', '.join(numbers)}.")
        return StorageLocation(numbers[string_location])

    def get_str(self) -> str:
        """Return the word the wire uses.

        >>> StorageLocation.GCP.get_str()
        'GCP_STR'
        """
        return _WORDS[self.value]
