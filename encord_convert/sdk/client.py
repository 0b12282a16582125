"""The older clients, in the name of one project or dataset, by an API key.

:class:`encord_convert.sdk.project.Project` and :class:`encord_convert.sdk.dataset.Dataset` are the comfortable ones;
they stand on these. ``EncordClientProject`` and ``EncordClientDataset`` have homes of their own,
:mod:`encord_convert.sdk._project_client` and :mod:`encord_convert.sdk._dataset_client`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from encord_convert.sdk._fitted import fitted, fitted_list
from encord_convert.sdk._warnings import deprecated
from encord_convert.sdk.configs import ApiKeyConfig, Config
from encord_convert.sdk.exceptions import InitialisationError
from encord_convert.sdk.http._calls import Querier
from encord_convert.sdk.http.constants import DEFAULT_REQUESTS_SETTINGS, RequestsSettings
from encord_convert.sdk.http.routes import DEFAULT_DOMAIN, Query
from encord_convert.sdk.orm.cloud_integration import CloudIntegration

if TYPE_CHECKING:
    from encord_convert.sdk._dataset_client import EncordClientDataset as EncordClientDataset
    from encord_convert.sdk._project_client import EncordClientProject as EncordClientProject

_HOMES = {"EncordClientDataset": "_dataset_client", "EncordClientProject": "_project_client"}


def __getattr__(name: str) -> Any:
    # The two stand on EncordClient, which stands here: they are looked up when asked for.
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(f"encord_convert.sdk.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class EncordClient:
    """A client in the name of one resource.

    Parameters
    ----------
    querier : Querier
    config : Config
    api_client : optional
        Asks REST v2; by default the querier does.
    """

    def __init__(self, querier: Querier, config: Config, api_client: Querier | None = None) -> None:
        self._querier = querier
        self._config = config
        self._api_client = querier if api_client is None else api_client

    @staticmethod
    def initialise(
        resource_id: str | None = None,
        api_key: str | None = None,
        domain: str = DEFAULT_DOMAIN,
        requests_settings: RequestsSettings = DEFAULT_REQUESTS_SETTINGS,
    ) -> EncordClientProject | EncordClientDataset:
        """Return the client of a project or dataset, by its API key.

        Parameters
        ----------
        resource_id, api_key : str, optional
            By default those of the environment, ``ENCORD_PROJECT_ID`` or ``ENCORD_DATASET_ID``, and ``ENCORD_API_KEY``.
        domain : str
        requests_settings : RequestsSettings

        Raises
        ------
        InitialisationError
            The key is of another kind of resource; or the environment names two.
        AuthenticationError
            No key, or no resource, is known.
        """
        return EncordClient.initialise_with_config(ApiKeyConfig(resource_id, api_key, domain, requests_settings))

    @staticmethod
    def initialise_with_config(config: ApiKeyConfig) -> EncordClientProject | EncordClientDataset:
        """Return the client of a project or dataset, by a configuration; see :meth:`initialise`."""
        deprecated("EncordClient.initialise", "EncordUserClient.get_project or EncordUserClient.get_dataset")
        return client_by_key(config)

    def get_cloud_integrations(self) -> list[CloudIntegration]:
        """Fetch the clouds whose data can be registered."""
        replies = self._querier.get_list(Query.CLOUD_INTEGRATION)
        return fitted_list(CloudIntegration.from_dict, replies, "GET cloudintegration")

    def get_websocket_url(self) -> str:
        """Return the address of the resource's socket. It holds a key or a signature: do not print it."""
        return self._config.get_websocket_url()


def client_by_key(config: ApiKeyConfig, querier: Querier | None = None) -> EncordClientProject | EncordClientDataset:
    """Look up the kind of resource of an API key, and return its client."""
    from encord_convert.sdk._dataset_client import EncordClientDataset
    from encord_convert.sdk._project_client import EncordClientProject

    querier = Querier(config) if querier is None else querier
    reply = querier.get(Query.API_KEY_META)
    kind = fitted(lambda meta: meta.get("resource_type"), reply, "GET apikeymeta")
    if kind == "project":
        return EncordClientProject(querier, config)
    if kind == "dataset":
        return EncordClientDataset(querier, config)
    raise InitialisationError(f"The API key is of {kind!r}; a client is of a project or a dataset.")
