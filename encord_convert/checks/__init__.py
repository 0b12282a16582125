"""What is wrong with labels, before a trainer drops it without a word.

:func:`check` reads labels of any format and returns a :class:`Result`: each :class:`Finding` has a stable code, its
place in the source and a sentence. The rules are those of the readers and of :mod:`encord_convert.losses.narrow`; what
no format and no trainer asks for (duplicates, images, splits that share images) is looked at here alone.
"""

from encord_convert.checks.findings import Finding, Result
from encord_convert.checks.run import check

__all__ = ["Finding", "Result", "check"]
