"""What label sets become of other libraries, and come from: the methods that :class:`LabelSet` has for that.

The work is done in :mod:`encord_convert.interop`, above, which is reached when it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from encord_convert.hub.labelset import LabelSet
    from encord_convert.losses.report import Report


def above(module: str) -> Any:
    """Return a module that makes label sets, and so stands above them; it is reached only when asked for."""
    return import_module(f"encord_convert.{module}")


class Exchanges:
    """Methods of a label set; see there."""

    def to_pandas(self, *, report: Report | None = None) -> Any:
        """Return a ``pandas.DataFrame`` with a row for each annotation, an object once for each of its frames.

        See :mod:`encord_convert.interop.pandas` for its columns.

        Parameters
        ----------
        report : Report, optional
            Is told what the frame has no column for; without one, that is a warning.

        Raises
        ------
        MissingDependencyError
            pandas is not installed.
        """
        return above("interop.pandas").to_pandas(self, report=report)

    @classmethod
    def from_pandas(cls, frame: Any, *, ontology: Any = None) -> LabelSet:
        """Return the label set of a data frame with the columns of :meth:`to_pandas`.

        Boxes may stand in ``x, y, width, height`` alone. Other columns are attributes. Images that no row names are
        not in the set.

        Parameters
        ----------
        frame : pandas.DataFrame
        ontology : OntologyStructure or dict, optional
            Its classes and attributes; by default those the frame came from. What it lacks is added.

        Raises
        ------
        OptionError
            A column is missing, or a row says two things; names the row.
        """
        made: LabelSet = above("interop.pandas").from_pandas(frame, ontology=ontology)
        return made

    def to_supervision(self, *, images: Any = None, masks: bool = True, report: Report | None = None) -> Any:
        """Return a ``supervision.DetectionDataset``: boxes, masks, confidences and tracker ids of each image.

        Parameters
        ----------
        images : path, optional
            Folder or archive with the images; by default they are looked for beside the labels. An image that is not
            found, or not a file of its own, is called as its row.
        masks : bool
            Keep the pixels of polygons and masks, in memory; else their boxes.
        report : Report, optional
            Is told what is not carried; without one, that is a warning.

        Raises
        ------
        MissingDependencyError
            supervision is not installed.
        """
        return above("interop.supervision").to_supervision(self, images=images, masks=masks, report=report)

    @classmethod
    def from_supervision(cls, dataset: Any, *, sizes: Mapping[str, tuple[int, int]] | None = None) -> LabelSet:
        """Return the label set of a ``supervision.DetectionDataset``.

        Parameters
        ----------
        dataset : supervision.DetectionDataset
        sizes : mapping, optional
            Width and height in px by path, of images that are not on disk.

        Raises
        ------
        OptionError
            The size of an image is not known, or a detection has no class.
        """
        made: LabelSet = above("interop.supervision").from_supervision(dataset, sizes=sizes)
        return made

    def to_hf(self, *, images: Any = None, report: Report | None = None) -> Any:
        """Return a ``datasets.DatasetDict`` for object detection; see :mod:`encord_convert.interop.hugging_face`.

        Parameters
        ----------
        images, report
            As of :meth:`to_supervision`.

        Raises
        ------
        MissingDependencyError
            datasets is not installed.
        """
        return above("interop.hugging_face").to_hf(self, images=images, report=report)

    @classmethod
    def from_hf(cls, dataset: Any) -> LabelSet:
        """Return the label set of a ``datasets.Dataset`` or ``DatasetDict`` with the columns of :meth:`to_hf`.

        Raises
        ------
        OptionError
            It has no column ``objects``, or the size of an image is not known.
        """
        made: LabelSet = above("interop.hugging_face").from_hf(dataset)
        return made

    def to_torch(
        self,
        transform: Callable[[Any, dict[str, Any]], Any] | None = None,
        *,
        images: Any = None,
        masks: bool = True,
        report: Report | None = None,
    ) -> Any:
        """Return a ``torch.utils.data.Dataset`` in the form of torchvision's detection models.

        See :mod:`encord_convert.interop.torch` for its items.

        Parameters
        ----------
        transform : callable, optional
            Given image and target, returns the item.
        images, masks, report
            As of :meth:`to_supervision`.

        Raises
        ------
        MissingDependencyError
            torch is not installed.
        """
        return above("interop.torch").to_torch(self, transform, images=images, masks=masks, report=report)
