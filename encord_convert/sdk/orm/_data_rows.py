"""One piece of data in a dataset: what is known of it, edited and sent back."""

# mypy: disable-error-code="no-any-return"
# The values of these dictionaries are what a service sent.

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from encord_convert.sdk.common.time_parser import parse_datetime
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.exceptions import EncordException
from encord_convert.sdk.objects._addresses import seen_as
from encord_convert.sdk.orm._members import member
from encord_convert.sdk.orm._storage import StorageLocation
from encord_convert.sdk.orm.formatter import Formatter


class DataRowStore(Protocol):
    """What a data row asks of whoever keeps it."""

    def fetch_data_row(self, data_hash: str, additional_data: dict[str, Any]) -> dict[str, Any]:
        """Return the JSON of the row, with the additional data asked for."""

    def send_data_row(self, data_hash: str, changes: dict[str, Any]) -> dict[str, Any]:
        """Change the row; return ``updated_fields`` and the new ``data_row``."""


@seen_as("encord_convert.sdk.orm.dataset:ImagesDataFetchOptions")
@dataclass
class ImagesDataFetchOptions:
    """What is fetched of the images of a group.

    Parameters
    ----------
    fetch_signed_urls : bool
        Whether to ask for links to download them.
    """

    fetch_signed_urls: bool = False


@seen_as("encord_convert.sdk.orm.dataset:ImageData")
class ImageData:
    """One image of a group. Sizes in pixels; ``file_size`` in bytes; ``storage_location`` is a number."""

    def __init__(
        self,
        image_hash: str,
        title: str,
        file_link: str,
        file_type: str,
        file_size: int,
        storage_location: StorageLocation,
        created_at: datetime,
        last_edited_at: datetime,
        width: int,
        signed_url: str | None,
        height: int,
    ) -> None:
        self._image_hash = image_hash
        self._title = title
        self._file_link = file_link
        self._file_type = file_type
        self._file_size = file_size
        self._storage_location = storage_location
        self._created_at = created_at
        self._last_edited_at = last_edited_at
        self._width = width
        self._signed_url = signed_url
        self._height = height

    @property
    def image_hash(self) -> str:
        return self._image_hash

    @property
    def title(self) -> str:
        return self._title

    @property
    def file_link(self) -> str:
        return self._file_link

    @property
    def file_type(self) -> str:
        """MIME type."""
        return self._file_type

    @property
    def file_size(self) -> int:
        return self._file_size

    @property
    def storage_location(self) -> StorageLocation:
        return self._storage_location

    @property
    def created_at(self) -> datetime:
        return self._created_at

    @property
    def last_edited_at(self) -> datetime:
        return self._last_edited_at

    @property
    def height(self) -> int:
        return self._height

    @property
    def width(self) -> int:
        return self._width

    @property
    def signed_url(self) -> str | None:
        """A link to download the image, if one was asked for."""
        return self._signed_url

    @classmethod
    def from_dict(cls, json_dict: dict[str, Any]) -> ImageData:
        """Return the image a JSON object describes.

        Raises
        ------
        KeyError
            A key other than ``signed_url`` is missing.
        """
        return cls(
            image_hash=json_dict["image_hash"],
            title=json_dict["title"],
            file_link=json_dict["file_link"],
            file_type=json_dict["file_type"],
            file_size=json_dict["file_size"],
            storage_location=json_dict["storage_location"],
            created_at=parse_datetime(json_dict["created_at"]),
            last_edited_at=parse_datetime(json_dict["last_edited_at"]),
            width=json_dict["width"],
            signed_url=json_dict.get("signed_url"),
            height=json_dict["height"],
        )

    @classmethod
    def from_list(cls, json_list: Iterable[dict[str, Any]]) -> list[ImageData]:
        """Return the images of a list, in order."""
        return [cls.from_dict(entry) for entry in json_list]

    def __repr__(self) -> str:
        return f"ImageData(title={self._title}, image_hash={self._image_hash})"


@seen_as("encord_convert.sdk.orm.dataset:DataRow")
class DataRow(dict[str, Any], Formatter):
    """One video, image, image group or DICOM series of a dataset; a dictionary too, for older scripts.

    The dictionary holds times and the data type as the service wrote them; properties and keys say the same. Setting
    ``title`` or ``client_metadata`` is remembered and sent by :meth:`save`; other setters change this record only.
    """

    def __init__(
        self,
        uid: str,
        title: str,
        data_type: DataType | str,
        created_at: datetime,
        last_edited_at: datetime,
        width: int | None,
        height: int | None,
        file_link: str | None,
        file_size: int | None,
        file_type: str | None,
        storage_location: StorageLocation,
        client_metadata: dict[str, Any] | None,
        frames_per_second: int | None,
        duration: int | None,
        images_data: list[dict[str, Any]] | None,
        signed_url: str | None,
        is_optimised_image_group: bool | None,
        backing_item_uuid: UUID | None,
    ) -> None:
        super().__init__(
            data_hash=uid,
            data_title=title,
            data_type=data_type.to_upper_case_string() if isinstance(data_type, DataType) else data_type,
            created_at=str(created_at),
            last_edited_at=str(last_edited_at),
            width=width,
            height=height,
            file_link=file_link,
            file_size=file_size,
            file_type=file_type,
            storage_location=StorageLocation(storage_location),
            frames_per_second=frames_per_second,
            duration=duration,
            client_metadata=client_metadata,
            images_data=None if images_data is None else [_image(item) for item in images_data],
            signed_url=signed_url,
            is_optimised_image_group=is_optimised_image_group,
            backing_item_uuid=backing_item_uuid,
        )
        self._store: DataRowStore | None = None
        self._changed: list[str] = []

    uid: str = member("data_hash", "The data hash. Setting it changes nothing on a server.", settable=True)

    @property
    def title(self) -> str:
        """The title. A new one is sent by :meth:`save`."""
        return self["data_title"]

    @title.setter
    def title(self, value: str) -> None:
        self._change("data_title", value)

    @property
    def data_type(self) -> DataType:
        """The kind of data. Setting it changes nothing on a server."""
        return DataType.from_upper_case_string(self["data_type"])

    @data_type.setter
    def data_type(self, value: DataType) -> None:
        self["data_type"] = value.to_upper_case_string()

    @property
    def created_at(self) -> datetime:
        """When the row was added. Setting it changes nothing on a server."""
        return parse_datetime(self["created_at"])

    @created_at.setter
    def created_at(self, value: datetime) -> None:
        self["created_at"] = str(value)

    frames_per_second: int | None = member("frames_per_second", "Of a video; None for other data.")
    duration: int | None = member("duration", "Seconds, of a video; None for other data.")

    @property
    def client_metadata(self) -> dict[str, Any] | None:
        """What the customer noted, if it was fetched. New metadata are sent by :meth:`save`."""
        return self["client_metadata"]

    @client_metadata.setter
    def client_metadata(self, value: dict[str, Any]) -> None:
        self._change("client_metadata", value)

    width: int | None = member("width", "Pixels; None for a group of images, whose sizes may differ.")
    height: int | None = member("height", "Pixels; None for a group of images, whose sizes may differ.")

    @property
    def last_edited_at(self) -> datetime:
        return parse_datetime(self["last_edited_at"])

    file_link: str | None = member("file_link", "Where the file lies; None for a DICOM series.")
    signed_url: str | None = member("signed_url", "A link to download the data, if it was fetched.")
    file_size: int = member("file_size", "Bytes.")
    file_type: str = member("file_type", "MIME type.")
    storage_location: StorageLocation = member("storage_location")
    images_data: list[ImageData] | None = member("images_data", "The images of a group, if they were fetched.")
    is_optimised_image_group: bool | None = member("is_optimised_image_group", "Older name of ``is_image_sequence``.")
    is_image_sequence: bool | None = member(
        "is_optimised_image_group", "Whether a group is kept as a video; else None."
    )

    @property
    def backing_item_uuid(self) -> UUID:
        """The item of the storage this row shows.

        Raises
        ------
        NotImplementedError
            The service did not say.
        """
        if self["backing_item_uuid"] is None:
            raise NotImplementedError("The service did not say which storage item backs this data.")
        return self["backing_item_uuid"]

    def refetch_data(
        self,
        *,
        signed_url: bool = False,
        images_data_fetch_options: ImagesDataFetchOptions | None = None,
        client_metadata: bool = False,
    ) -> None:
        """Fetch the row again; what is not asked for, or comes as null, keeps its value. Unsaved changes are forgotten.

        Raises
        ------
        EncordException
            The row was not fetched from a service.
        """
        options = images_data_fetch_options
        additional = {
            "signed_url": signed_url,
            "images_data_fetch_options": None if options is None else asdict(options),
            "client_metadata": client_metadata,
        }
        self._renew(self._kept_by().fetch_data_row(self.uid, additional))

    def save(self) -> None:
        """Send the new title and client metadata, if set.

        Raises
        ------
        EncordException
            The row was not fetched from a service, or the service did not do what it was asked.
        """
        changes = {key: self[key] for key in self._changed}
        answer = self._kept_by().send_data_row(self.uid, changes)
        if not answer or set(answer["updated_fields"]) != changes.keys():
            raise EncordException(
                f"The service was sent {sorted(changes)} of data row {self.uid} and answered {answer!r}."
            )
        self._renew(answer["data_row"])

    @classmethod
    def from_dict(cls, json_dict: dict[str, Any]) -> DataRow:
        """Return the row a JSON object describes.

        Raises
        ------
        KeyError
            A key a service always sends is missing.
        ValueError
            A time is unreadable.
        """
        uuid = json_dict.get("backing_item_uuid")
        row = cls(
            uid=json_dict["data_hash"],
            title=json_dict["data_title"],
            data_type=json_dict["data_type"],
            created_at=parse_datetime(json_dict["created_at"]),
            last_edited_at=parse_datetime(json_dict["last_edited_at"]),
            width=json_dict["width"],
            height=json_dict["height"],
            file_link=json_dict["file_link"],
            file_size=json_dict["file_size"],
            file_type=json_dict["file_type"],
            storage_location=StorageLocation(json_dict["storage_location"]),
            client_metadata=json_dict.get("client_metadata"),
            frames_per_second=json_dict["frames_per_second"],
            duration=json_dict["duration"],
            images_data=json_dict.get("images_data"),
            signed_url=json_dict.get("signed_url"),
            is_optimised_image_group=json_dict.get("is_optimised_image_group"),
            backing_item_uuid=UUID(uuid) if isinstance(uuid, str) else uuid,
        )
        row.update({key: json_dict[key] for key in ("created_at", "last_edited_at")})
        return row

    @classmethod
    def from_dict_list(cls, json_list: Iterable[dict[str, Any]]) -> list[DataRow]:
        """Return the rows of a list, in order."""
        return [cls.from_dict(entry) for entry in json_list]

    def _change(self, key: str, value: Any) -> None:
        self[key] = value
        if key not in self._changed:
            self._changed.append(key)

    def _kept_by(self) -> DataRowStore:
        if self._store is None:
            raise EncordException(f"Data row {self.get('data_hash')} was not fetched from a service.")
        return self._store

    def _renew(self, json_dict: dict[str, Any]) -> None:
        self.update({key: value for key, value in DataRow.from_dict(json_dict).items() if value is not None})
        self._changed.clear()


@seen_as("encord_convert.sdk.orm.dataset:DataRows")
@dataclass(frozen=True)
class DataRows(dict[str, Any], Formatter):
    """What a listing of data rows is made from."""

    data_rows: list[DataRow]

    @classmethod
    def from_dict(cls, json_dict: dict[str, Any]) -> DataRow:  # type: ignore[override]
        """Return one row of the listing."""
        return DataRow.from_dict(json_dict)


def _image(one: dict[str, Any] | ImageData) -> ImageData:
    return one if isinstance(one, ImageData) else ImageData.from_dict(one)
