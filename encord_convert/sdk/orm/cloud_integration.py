"""A customer's own storage a service may read from."""

from __future__ import annotations

from encord_convert.sdk.orm.base_dto import BaseDTO


class CloudIntegration(BaseDTO):
    """One storage integration."""

    id: str
    title: str
