"""What an API key opens."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, ClassVar

from encord_convert.sdk.orm.base_orm import BaseORM


class ApiKeyMeta(BaseORM):
    """The kind and the title of what an API key opens."""

    DB_FIELDS: ClassVar[OrderedDict[str, Any]] = OrderedDict([("title", str), ("resource_type", str)])
    NON_UPDATABLE_FIELDS: ClassVar[set[str]] = {"resource_type"}
