"""Checks for faults in labels that a trainer would drop silently.

:func:`check` reads labels of any format and returns a :class:`Result`: each :class:`Finding` has a stable code, its
location in the source and a sentence. The rules are those of the readers and of :mod:`encord_convert.losses.narrow`;
duplicates, images and splits that share images are checked only here.
"""

from encord_convert.checks.findings import Finding, Result
from encord_convert.checks.run import check

__all__ = ["Finding", "Result", "check"]
