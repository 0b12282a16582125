"""Moving labels between files and a service: planned first, journalled on the way, verified afterwards.

:func:`plan` says what a push would do, :func:`apply` does it, :func:`pull` writes a project into files, :func:`verify`
names what differs, :func:`undo` takes back what a push wrote over; :func:`mapped` gives labels other classes,
:func:`to_encord` gives them to rows of the official package. Names are resolved when they are first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from encord_convert.sync.applying import apply
    from encord_convert.sync.mapping.mapped import mapped
    from encord_convert.sync.official import to_encord
    from encord_convert.sync.planning import plan
    from encord_convert.sync.pulling import pull
    from encord_convert.sync.undoing import undo
    from encord_convert.sync.verifying import verify

_HOMES = {
    "apply": "applying", "mapped": "mapping.mapped", "plan": "planning", "pull": "pulling",
    "to_encord": "official", "undo": "undoing", "verify": "verifying",
}  # fmt: skip

__all__ = ["apply", "mapped", "plan", "pull", "to_encord", "undo", "verify"]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)


def __dir__() -> list[str]:
    return __all__
