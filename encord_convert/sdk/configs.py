"""Who asks, and where: keys, domains, resources.

A domain that is not given is taken from ``ENCORD_CONVERT_DOMAIN``, else it is the hosted service's. Keys never show in
what these objects print.

Source: wire protocol, sections 1 and 3; ``fixtures/wire/environment.json``.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from encord_convert.sdk.exceptions import AuthenticationError, InitialisationError, ResourceNotFoundError
from encord_convert.sdk.http import _signatures
from encord_convert.sdk.http.constants import DEFAULT_REQUESTS_SETTINGS, RequestsSettings
from encord_convert.sdk.http.routes import DEFAULT_DOMAIN, RESOURCE, USER, WEBSOCKET

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ENCORD_DOMAIN = DEFAULT_DOMAIN
DOMAIN_VARIABLE = "ENCORD_CONVERT_DOMAIN"


def get_env_resource_id() -> str:
    """Return the hash of the project or dataset the environment names.

    Raises
    ------
    InitialisationError
        It names both a project and a dataset.
    AuthenticationError
        It names neither.
    """
    project = os.environ.get("ENCORD_PROJECT_ID") or os.environ.get("CORD_PROJECT_ID")
    dataset = os.environ.get("ENCORD_DATASET_ID") or os.environ.get("CORD_DATASET_ID")
    if project and dataset:
        raise InitialisationError(
            "The environment names a project (ENCORD_PROJECT_ID) and a dataset (ENCORD_DATASET_ID). "
            "Unset one, or pass resource_id."
        )
    if not (project or dataset):
        raise AuthenticationError("No resource: pass resource_id, or set ENCORD_PROJECT_ID or ENCORD_DATASET_ID.")
    return project or dataset or ""


def get_env_api_key() -> str:
    """Return the API key of the environment.

    Raises
    ------
    AuthenticationError
        There is none.
    """
    key = os.environ.get("ENCORD_API_KEY") or os.environ.get("CORD_API_KEY")
    if not key:
        raise AuthenticationError("No API key: pass api_key, or set ENCORD_API_KEY.")
    return key


def get_env_ssh_key() -> str:
    """Return the text of the private key the environment names or holds.

    Raises
    ------
    ResourceNotFoundError
        ``ENCORD_SSH_KEY_FILE`` names a file that is not there; or there is no key at all.
    """
    file = os.environ.get("ENCORD_SSH_KEY_FILE")
    if file:
        path = Path(file).expanduser()
        if not path.is_file():
            raise ResourceNotFoundError(f"ENCORD_SSH_KEY_FILE names {path}, and there is no such file.")
        return path.read_text(encoding="ascii", errors="replace")
    key = os.environ.get("ENCORD_SSH_KEY")
    if not key:
        raise ResourceNotFoundError(
            "No private key: pass ssh_private_key or ssh_private_key_path, "
            "or set ENCORD_SSH_KEY_FILE or ENCORD_SSH_KEY."
        )
    return key


def _domain(given: str | None) -> str:
    """Return the domain: the one given, else that of the environment, else the hosted service."""
    if not given or given == DEFAULT_DOMAIN:
        given = os.environ.get(DOMAIN_VARIABLE) or DEFAULT_DOMAIN
    return given.rstrip("/")


class BaseConfig(ABC):
    """Where requests go, with what patience, and how they say who sends them.

    Parameters
    ----------
    endpoint : str
        Absolute address of the endpoint.
    requests_settings : RequestsSettings
    """

    domain: str

    def __init__(self, endpoint: str, requests_settings: RequestsSettings = DEFAULT_REQUESTS_SETTINGS) -> None:
        self.endpoint = endpoint
        self.requests_settings = requests_settings

    @abstractmethod
    def define_headers(self, data: str) -> dict[str, Any]:
        """Return the headers that go with the body ``data``."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.endpoint!r})"


_COMMON = {"Accept": "application/json", "Content-Type": "application/json", "Accept-Encoding": "gzip"}


class UserConfig(BaseConfig):
    """A user with a private key.

    Parameters
    ----------
    private_key : Ed25519PrivateKey
    domain : str
        Such as ``http://127.0.0.1:8000``.
    requests_settings : RequestsSettings
    """

    def __init__(
        self,
        private_key: Ed25519PrivateKey,
        domain: str = ENCORD_DOMAIN,
        requests_settings: RequestsSettings = DEFAULT_REQUESTS_SETTINGS,
    ) -> None:
        self.domain = _domain(domain)
        super().__init__(self.domain + USER, requests_settings)
        self._private_key = private_key

    @property
    def public_key_hex(self) -> str:
        """The public key in hexadecimal digits."""
        return _signatures.public_key_hex(self._private_key)

    def define_headers(self, data: str) -> dict[str, Any]:
        """Return the headers that go with the body ``data``, its signature among them."""
        return {**_COMMON, "Authorization": _signatures.authorization(self._private_key, data.encode())}

    @staticmethod
    def from_ssh_private_key(
        ssh_private_key: str,
        password: str | None = "",
        requests_settings: RequestsSettings = DEFAULT_REQUESTS_SETTINGS,
        **kwargs: Any,
    ) -> UserConfig:
        """Return the configuration of a user by the text of a private key, OpenSSH or PEM.

        Parameters
        ----------
        ssh_private_key : str
        password : str, optional
            Of a key that has one.
        requests_settings : RequestsSettings
        **kwargs
            ``domain``.

        Raises
        ------
        ValueError
            The text is no private key, its password is wrong or missing, or it is of another type than Ed25519.
        """
        from encord_convert.sdk.http._keys import private_key

        return UserConfig(private_key(ssh_private_key, password), requests_settings=requests_settings, **kwargs)


class Config(BaseConfig):
    """Somebody who asks in the name of one resource.

    Parameters
    ----------
    resource_id : str, optional
        By default that of the environment.
    web_file_path : str
        Path of the endpoint below the domain.
    domain : str, optional
    websocket_endpoint : str
    requests_settings : RequestsSettings
    """

    def __init__(
        self,
        resource_id: str | None = None,
        web_file_path: str = RESOURCE,
        domain: str | None = None,
        websocket_endpoint: str = WEBSOCKET,
        requests_settings: RequestsSettings = DEFAULT_REQUESTS_SETTINGS,
    ) -> None:
        self.resource_id = get_env_resource_id() if resource_id is None else resource_id
        self.domain = _domain(domain)
        self.websocket_endpoint = websocket_endpoint
        super().__init__(self.domain + web_file_path, requests_settings)

    @abstractmethod
    def get_websocket_url(self) -> str:
        """Return the URL of the resource's socket. It contains a key or a signature: do not print it."""

    def _websocket_url(self, proof: str) -> str:
        return f"{self.websocket_endpoint}?client_type=2&project_hash={self.resource_id}&{proof}"


class ApiKeyConfig(Config):
    """The holder of an API key of a project or dataset.

    Parameters
    ----------
    resource_id, api_key : str, optional
        By default those of the environment.
    domain : str, optional
    requests_settings : RequestsSettings
    """

    def __init__(
        self,
        resource_id: str | None = None,
        api_key: str | None = None,
        domain: str | None = None,
        requests_settings: RequestsSettings = DEFAULT_REQUESTS_SETTINGS,
    ) -> None:
        super().__init__(resource_id, RESOURCE, domain, requests_settings=requests_settings)
        self._api_key = get_env_api_key() if api_key is None else api_key

    def define_headers(self, data: str) -> dict[str, Any]:
        """Return the headers of a request; the key signs nothing."""
        return {**_COMMON, "ResourceID": self.resource_id, "Authorization": self._api_key}

    def get_websocket_url(self) -> str:
        """Return the address of the resource's socket. It holds the key: do not print it."""
        return self._websocket_url(f"api_key={self._api_key}")


class SshConfig(Config):
    """A user with a private key who asks in the name of one resource.

    Parameters
    ----------
    user_config : UserConfig
    resource_type : str
        ``project``, ``dataset`` or ``ontology``.
    resource_id : str, optional
        By default that of the environment.
    """

    def __init__(self, user_config: UserConfig, resource_type: str, resource_id: str | None = None) -> None:
        super().__init__(resource_id, RESOURCE, user_config.domain, requests_settings=user_config.requests_settings)
        self._user_config = user_config
        self._resource_type = resource_type

    def define_headers(self, data: str) -> dict[str, Any]:
        """Return the headers that go with the body ``data``, its signature among them."""
        named = {"ResourceID": self.resource_id, "ResourceType": self._resource_type}
        return {**self._user_config.define_headers(data), **named}

    def get_websocket_url(self) -> str:
        """Return the address of the resource's socket. It holds a signature: do not print it."""
        key = self._user_config._private_key
        signature = key.sign(sha256(self.resource_id.encode()).digest()).hex()
        return self._websocket_url(f"ssh_authorization={self._user_config.public_key_hex}:{signature}")


EncordConfig = ApiKeyConfig
CordConfig = EncordConfig
