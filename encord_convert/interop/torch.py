"""Label sets as a ``torch.utils.data.Dataset`` in the form that torchvision's detection models take.

An item is an image, a uint8 tensor (3, height, width), and a target: ``boxes`` (n, 4) float32 xyxy in px, ``labels``
(n,) int64 from 1 (0 is the background), ``masks`` (n, height, width) uint8 where shapes have an outline, ``image_id``,
``area`` (n,) float32 and ``iscrowd`` (n,) int64. Masks are painted when an item is taken.

Source: torchvision 0.29, references/detection and ``torchvision.models.detection`` (docstrings).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from encord_convert.errors import OptionError
from encord_convert.formats._files import Source, ZipSource, source_at
from encord_convert.hub.loss import Feature
from encord_convert.interop import imported, reported
from encord_convert.interop.detections import Detected, Detections, carries

if TYPE_CHECKING:
    from encord_convert.hub.labelset import LabelSet
    from encord_convert.losses.report import Report


def to_torch(
    labels: LabelSet,
    transform: Callable[[Any, dict[str, Any]], Any] | None = None,
    *,
    images: Any = None,
    masks: bool = True,
    report: Report | None = None,
) -> Any:
    """Return the dataset of a label set; see :meth:`LabelSet.to_torch`."""
    _torch()
    with reported(report, "torch") as account:
        found = Detections(labels, account, carries(Feature.GROUPS, masks=masks, crowds=True), images)
        items = list(found)
    return dataset(found.classes, found.source, items, transform, masks)


def dataset(classes: list[str], source: Source | None, items: list[Detected], transform: Any, masks: bool) -> Any:
    """Return the dataset of images; also used by worker processes."""
    return _kind()(classes, source, items, transform, masks)


def _torch() -> Any:
    torch = imported("torch", "to_torch")
    imported("torch.utils.data", "to_torch", "torch")
    return torch


@cache
def _kind() -> Any:
    """Return the dataset class, importing torch."""
    torch = _torch()

    class Detection(torch.utils.data.Dataset):  # type: ignore[misc,name-defined]
        """Images with their boxes, and masks.

        Attributes
        ----------
        classes : list of str
            Names by label; the first stands for the background.
        """

        def __init__(self, *parts: Any) -> None:
            names, self._source, self._items, self._transform, self._masks = self._parts = parts
            self.classes = ["__background__", *names]
            self._process = os.getpid()

        def __reduce__(self) -> Any:
            names, source, *rest = self._parts
            # An open archive cannot be shared between processes.
            return dataset, (names, source.name if isinstance(source, ZipSource) else source, *rest)

        def __repr__(self) -> str:
            objects = sum(map(len, self._items))
            return f"Detection(images={len(self)}, objects={objects}, classes={len(self.classes) - 1})"

        def __len__(self) -> int:
            return len(self._items)

        def __getitem__(self, index: int) -> Any:
            item = self._items[index]
            image = _image(torch, self._opened(), item)
            target = _target(torch, item, index, self._masks)
            return (image, target) if self._transform is None else self._transform(image, target)

        def _opened(self) -> Any:
            name = self._source.name if isinstance(self._source, ZipSource) else self._source
            if isinstance(name, str) and (name is self._source or self._process != os.getpid()):
                self._source, self._process = source_at(name), os.getpid()
            return self._source

    return Detection


def _image(torch: Any, source: Any, item: Detected) -> Any:
    from PIL import Image, ImageOps

    if item.member is None:
        raise OptionError(f"to_torch: there is no image {item.title!r} next to the labels. Pass images=FOLDER.")
    with source.open(item.member) as stream, Image.open(stream) as image:
        pixels = np.array(ImageOps.exif_transpose(image).convert("RGB"))
    return torch.from_numpy(pixels).permute(2, 0, 1)


def _target(torch: Any, item: Detected, index: int, masks: bool) -> dict[str, Any]:
    boxes = item.boxes()
    painted = item.masks() if masks else None
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    if painted is not None:
        areas = painted.sum(axis=(1, 2)).astype(float)
    target = {
        "boxes": torch.as_tensor(boxes, dtype=torch.float32).reshape(-1, 4),
        "labels": torch.as_tensor([number + 1 for number in item.classes], dtype=torch.int64),
        "image_id": index,
        "area": torch.as_tensor(areas, dtype=torch.float32),
        "iscrowd": torch.as_tensor([int(crowd) for crowd in item.crowds], dtype=torch.int64),
    }
    if painted is not None:
        target["masks"] = torch.as_tensor(painted.astype(np.uint8))
    return target
