"""Public keys read from text, as ``ssh-keygen`` writes them."""

from __future__ import annotations

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_ssh_public_key


def public_key_hex(text: str) -> str:
    """Return the 64 hexadecimal digits of an Ed25519 public key in OpenSSH's form.

    Raises
    ------
    ValueError
        It is none; the sentence never shows the text, which may be a private key.
    """
    if "PRIVATE KEY" in text:
        raise ValueError("is a private key; the public one stands next to it, in a file ending in .pub.")
    fact = "is not a public key; expected a line as in a .pub file: ssh-ed25519 AAAA… name."
    try:
        key = load_ssh_public_key(text.strip().encode())
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError(fact) from None
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("is a key of another type; the service takes Ed25519: ssh-keygen -t ed25519 makes one.")
    return key.public_bytes_raw().hex()
