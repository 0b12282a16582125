"""A folder that CVAT exported, uploaded and made into a project by the service.

Source: wire protocol, section 8.6.
"""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path
from typing import Any

from encord_convert.sdk._dataset_client import EncordClientDataset
from encord_convert.sdk._fitted import fitted
from encord_convert.sdk._uploads import IMAGE
from encord_convert.sdk.http._calls import Querier
from encord_convert.sdk.http.routes import Query
from encord_convert.sdk.http.utils import CloudUploadSettings
from encord_convert.sdk.orm.project import CvatExportType, ReviewMode
from encord_convert.sdk.utilities.client_utilities import CvatImporterError, CvatImporterSuccess, Issues, LocalImport


def annotations_of(folder: Path) -> str:
    """Return the annotations of a folder in base64.

    Raises
    ------
    ValueError
        It is no folder with ``annotations.xml`` and ``images``.
    """
    annotations = folder / "annotations.xml"
    for path, is_there, kind in (
        (folder, folder.is_dir(), "folder"),
        (annotations, annotations.is_file(), "file"),
        (folder / "images", (folder / "images").is_dir(), "folder"),
    ):
        if not is_there:
            raise ValueError(
                f"{path}: there is no such {kind}. Export from CVAT as 'CVAT for images 1.1', with images."
            )
    return b64encode(annotations.read_bytes()).decode()


def export_type_of(user: Querier, annotations: str) -> CvatExportType:
    """Let the service say whether annotations are of a task or of a project.

    Raises
    ------
    ValueError
        The service cannot import them; says its words.
    """
    asked = "POST projectimportercvatinfo"
    reply = user.post(Query.PROJECT_IMPORTER_CVAT_INFO, None, {"annotations_base64": annotations})
    if "error" in reply:
        raise ValueError(fitted(lambda d: d["error"]["message"], reply, asked))
    return fitted(lambda d: CvatExportType(d["success"]["export_type"]), reply, asked)


def images_of(folder: Path, export_type: CvatExportType) -> dict[str, Path]:
    """Return the images of a folder by the names CVAT has for them, in order of name.

    Of a task they are all files below ``images``; of a project those directly in ``images/default``.
    """
    if export_type is CvatExportType.TASK:
        root = folder / "images"
        files = [path for path in root.rglob("*") if path.is_file()]
    else:
        root = folder / "images" / "default"
        files = [path for path in root.iterdir() if path.is_file()] if root.is_dir() else []
    return {path.relative_to(root).as_posix(): path for path in sorted(files)}


def import_folder(
    user: Querier,
    dataset: EncordClientDataset,
    source: LocalImport,
    annotations: str,
    export_type: CvatExportType,
    review_mode: ReviewMode,
    as_polygons: bool,
) -> CvatImporterSuccess | CvatImporterError:
    """Upload the images of a folder into a dataset, and let the service make a project of it."""
    dataset_hash = dataset._config.resource_id
    images = images_of(Path(source.file_path), export_type)
    places, _ = dataset._uploads.send_all(IMAGE, images.values(), CloudUploadSettings())
    dataset._querier.put(Query.IMAGES, None, places)
    dataset._uploads.forget(places)
    renamed = source.map_filename_to_cvat_name or (lambda name: name)
    payload = {
        "cvat": {"annotations_base64": annotations},
        "dataset_hash": dataset_hash,
        "image_title_to_image_hash_map": {
            renamed(name): place["data_hash"] for name, place in zip(images, places, strict=True)
        },
        "review_mode": review_mode.value,
        "transform_bounding_boxes_to_polygons": as_polygons,
    }
    reply: Any = user.post(Query.PROJECT_IMPORTER, None, payload)
    asked = "POST projectimporter"
    if isinstance(reply, dict) and "error" in reply:
        issues = fitted(lambda d: Issues.from_dict(d["error"]["issues"]), reply, asked)
        return CvatImporterError(dataset_hash=dataset_hash, issues=issues)
    if isinstance(reply, dict) and "success" in reply:
        project_hash, issues = fitted(
            lambda d: (d["success"]["project_hash"], Issues.from_dict(d["success"]["issues"])), reply, asked
        )
        return CvatImporterSuccess(project_hash=project_hash, dataset_hash=dataset_hash, issues=issues)
    raise ValueError(f"{asked}: the service says neither success nor error.")
