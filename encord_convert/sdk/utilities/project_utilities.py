"""Questions about the models of a project."""

from __future__ import annotations

from collections.abc import Iterable

from encord_convert.sdk.orm.model import ModelConfiguration


def get_all_model_iteration_uids(model_configurations: Iterable[ModelConfiguration]) -> set[str]:
    """Return the ids of all iterations of the models."""
    return {uid for configuration in model_configurations for uid in configuration.model_iteration_uids}
