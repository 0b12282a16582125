"""Label sets as objects of other Python libraries, and back: pandas, supervision, Hugging Face datasets, PyTorch.

Each library is imported when it is asked for. What it cannot hold goes to a report, as for formats
(:mod:`encord_convert.losses.narrow`); without a report, a loss is a :class:`~encord_convert.ConversionWarning`. What
comes back is counted in the hub's terms.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

from encord_convert.errors import MissingDependencyError

if TYPE_CHECKING:
    from encord_convert.losses.report import Report


def imported(name: str, call: str, package: str | None = None) -> Any:
    """Import a library for a call.

    Raises
    ------
    MissingDependencyError
        It is not installed; the message says how to.
    """
    try:
        return import_module(name)
    except ImportError as error:
        raise MissingDependencyError(f"{call} needs {name}: pip install {package or name}.") from error


@contextmanager
def reported(report: Report | None, target: str) -> Iterator[Report]:
    """Yield the report to fill; warn of losses afterwards if the caller passed none."""
    from encord_convert.conversion import ConversionWarning
    from encord_convert.losses.report import Report

    account = Report() if report is None else report
    account.target.path, account.target.format = target, target
    yield account
    if report is None and not account.is_lossless:
        warnings.warn(f"{target}: {account.summary()}.", ConversionWarning, stacklevel=5)
