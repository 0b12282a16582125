"""How requests prove who sends them.

Source: wire protocol, section 3; ``fixtures/wire/signature_vectors.json``.
"""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SIGNED_PARTS = '("@method" "@request-target" "content-digest")'
BACKDATED_S = 30
"""A signature says it was made this many seconds ago, so that a clock that is a little fast is believed."""


def public_key_hex(key: Ed25519PrivateKey) -> str:
    """Return the 64 lower-case hexadecimal digits of the raw public key."""
    return key.public_key().public_bytes_raw().hex()


def authorization(key: Ed25519PrivateKey, body: bytes) -> str:
    """Return the ``Authorization`` of a request of the envelope API: public key and signature of the body's digest."""
    return f"{public_key_hex(key)}:{key.sign(sha256(body).digest()).hex()}"


def content_digest(body: bytes) -> str:
    """Return the ``Content-Digest`` of a body.

    >>> content_digest(b"")
    'sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:'
    """
    return f"sha-256=:{b64encode(sha256(body).digest()).decode()}:"


def signature_parameters(key_id: str, created: int) -> str:
    """Return what of a request is signed, when and with which key.

    Parameters
    ----------
    key_id : str
        The public key in hexadecimal digits.
    created : int
        Unix seconds.
    """
    return f'{SIGNED_PARTS};created={created};keyid="{key_id}";alg="ed25519"'


def signature_base(method: str, target: str, digest: str, parameters: str) -> str:
    """Return the text that is signed.

    Parameters
    ----------
    method : str
    target : str
        Path and query as sent.
    digest : str
        The ``Content-Digest``.
    parameters : str
        As :func:`signature_parameters` gives them.
    """
    members = {"@method": method, "@request-target": target, "content-digest": digest, "@signature-params": parameters}
    return "\n".join(f'"{name}": {value}' for name, value in members.items())


def signature_headers(key: Ed25519PrivateKey, method: str, target: str, body: bytes, created: int) -> dict[str, str]:
    """Return the headers that sign a request of REST v2.

    Parameters
    ----------
    key : Ed25519PrivateKey
    method : str
        In upper case.
    target : str
        Path and query as sent.
    body : bytes
        Empty if there is none.
    created : int
        Unix seconds.
    """
    digest = content_digest(body)
    parameters = signature_parameters(public_key_hex(key), created)
    signature = key.sign(signature_base(method, target, digest, parameters).encode())
    return {
        "Content-Digest": digest,
        "Signature-Input": f"encord-sig={parameters}",
        "Signature": f"encord-sig=:{b64encode(signature).decode()}:",
    }
