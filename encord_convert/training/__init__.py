"""Labels in the layout and conventions of a trainer.

What it is
    ``encord-convert convert SRC DST --target NAME`` writes a folder that training code loads unchanged. A target is not
    for keeping labels: it has only what is learnt from, images and geometry. Attributes, tracks, authors and labels of
    whole frames are dropped and counted.

Targets
    ===========  ==================================================================================================
    detectron2   COCO files; masks and holes as run lengths, keypoints
    hf           Hugging Face ``imagefolder``: ``metadata.jsonl`` with boxes
    mmdet        COCO files; masks and holes as run lengths; crowds as regions to ignore
    rfdetr       COCO files next to the images of ``train``, ``valid``, ``test``; masks and holes as run lengths,
                 keypoints, outlines of boxes
    torchvision  COCO files for the detection references; outlines
    ultralytics  ``images``, ``labels``, ``data.yaml``; ``task`` is ``detect``, ``segment``, ``obb`` or ``pose``
    ===========  ==================================================================================================

What is lost
    What training code would drop silently is dropped here and counted: crowds (``CROWD_DROPPED``), boxes below a pixel
    (``TOO_SMALL``: mmdet, torchvision), images below 32 px (``PICTURE_TOO_SMALL``: mmdet; ultralytics below 10), empty
    shapes. Masks next to a box are not loaded (``MASK_NOT_LOADED``: detectron2, mmdet), unless ``box_polygons`` gives
    boxes an outline. For readers without masks, holes are filled (``HOLES_FILLED``); for those with one ring per
    object, parts are joined by zero-width bridges (``PARTS_JOINED``). ``strict`` refuses all of it. Class colours are
    not a loss.

Splits
    A group's split is a hash of its name and the seed, so it stays there when data is added. Videos, series and image
    groups are never divided. ``group`` names what else belongs together: ``folder``, or a key of the client metadata
    such as ``patient_id``. A source with splits keeps them unless shares are given; the rest goes to train
    (``SPLIT_UNKNOWN``). See :mod:`encord_convert.training.splits`.

Images
    Found next to the labels or below ``images`` (:mod:`encord_convert.formats._finding`), and hard-linked
    (:mod:`encord_convert.training.images`). Frames of a video are looked for under their own names, as
    ``<title>/000003``, ``<title>/frame_000003`` and ``videos/<data hash>/3``, whatever their ending. Labels of missing
    images are written (``MISSING_MEDIA``), but nothing if all are missing, unless ``image_files`` is ``leave``. Rows
    that share an image with an earlier row are left out (``DUPLICATE_IMAGE``). Videos are not decoded.

Sources
    The documentation and loaders of each trainer, by whose rules ``tests/training/loaders.py`` loads again what was
    written. Loaded with their own code too, as many images, objects and classes as were written: datasets 5.2.0,
    MMDetection 3.3.0, RF-DETR 1.11.2, supervision 0.31.2 (what Detectron2 gets), torchvision 0.29.1 and ultralytics
    8.4.190; ``tests/bench/real_trainers.py`` does it again.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from typing import Any, Literal

from encord_convert.conversion import write
from encord_convert.errors import OptionError
from encord_convert.formats._api import Format
from encord_convert.formats._files import Target
from encord_convert.hub.labelset import LabelSet
from encord_convert.losses.report import Report

TARGETS = ("detectron2", "hf", "mmdet", "rfdetr", "torchvision", "ultralytics")
TASKS = ("detect", "segment", "obb", "pose")

Negatives = Literal["keep", "drop"]


def target_named(name: str, *, task: str | None = None, negatives: Negatives = "keep") -> Format:
    """Return a target as a format that can be written, though not read.

    Parameters
    ----------
    name : str
        One of :data:`TARGETS`.
    task : str, optional
        One of :data:`TASKS`, of ``ultralytics`` alone; by default ``detect``.
    negatives : "keep" or "drop"
        Whether images without labels are written.

    Raises
    ------
    OptionError
        There is no such target or task.
    """
    if name not in TARGETS:
        raise OptionError(f"There is no training target named {name!r}. Known: {', '.join(TARGETS)}.")
    if negatives not in ("keep", "drop"):
        raise OptionError(f"negatives={negatives} is not allowed; it takes keep or drop.")
    if name != "ultralytics":
        if task is not None:
            raise OptionError(f"{name} has no tasks; task={task} was given. Only ultralytics has.")
        if name == "hf":
            from encord_convert.training import hugging_face

            return hugging_face.format_of(negatives)
        from encord_convert.training import coco

        return coco.format_of(name, negatives)
    from encord_convert.training import yolo

    if task not in (None, *TASKS):
        raise OptionError(f"ultralytics: task={task} is not allowed; it takes {', '.join(TASKS)}.")
    return yolo.format_of(task or "detect", negatives)


def write_target(
    labels: LabelSet,
    path: str | os.PathLike[str] | Target,
    name: str,
    *,
    task: str | None = None,
    negatives: Negatives = "keep",
    strict: bool = False,
    allow: Collection[str] = (),
    report: Report | None = None,
    **options: Any,
) -> Report:
    """Write a label set for a trainer; the folder appears whole or not at all.

    Parameters
    ----------
    labels : LabelSet
        Not changed.
    path : path or Target
        A folder that is empty, or not there.
    name, task, negatives
        As of :func:`target_named`.
    strict : bool
        Write nothing if anything would be lost.
    allow : collection of str
        Codes of losses that ``strict`` does not refuse.
    report : Report, optional
        Receives the losses. Without one, losses give a warning.
    **options
        ``images``, ``image_files``, ``split``, ``seed`` and ``group``: see
        :class:`encord_convert.training.base.TrainingOptions`.

    Raises
    ------
    OptionError, NotRepresentableError, WriteError, AmbiguousFileError
    """
    if "pictures" in options:  # its original name
        options.setdefault("image_files", options.pop("pictures"))
    target = target_named(name, task=task, negatives=negatives)
    return write(labels, path, target, strict=strict, allow=allow, report=report, **options)
