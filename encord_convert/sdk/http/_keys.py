"""Private keys read from text.

Source: wire protocol, section 3.1. Only Ed25519 is taken; a key of another type is named by its type, never shown.
"""

from __future__ import annotations

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_ssh_private_key


def private_key(text: str, password: str | None = None) -> Ed25519PrivateKey:
    """Return the Ed25519 key of an OpenSSH or PEM text.

    Parameters
    ----------
    text : str
    password : str, optional
        Ignored where the key has none.

    Raises
    ------
    ValueError
        The text is no private key, its password is wrong or missing, or its type is another.
    """
    fault, key = _parsed(text.encode(errors="replace"), password.encode(errors="replace") if password else None)
    if fault is not None:
        # Raised where the library's error is no longer under way: a text of ours can hold nothing of the key.
        raise ValueError(fault)
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError(
            f"The private key is of the type {type(key).__name__.strip('_').removesuffix('PrivateKey')}; the service "
            "takes Ed25519. `ssh-keygen -t ed25519` makes one."
        )
    return key


def _parsed(data: bytes, password: bytes | None) -> tuple[str | None, object]:
    data = data.strip() + b"\n"
    load = load_ssh_private_key if b"OPENSSH" in data[:64] else load_pem_private_key
    # A password is of no harm where the key has none.
    for given in (password, None) if password else (None,):
        try:
            return None, load(data, given)
        except UnsupportedAlgorithm:
            return "The private key is of an unknown type, or needs the package bcrypt to be opened.", None
        except TypeError:
            fault = "The password of the private key is wrong." if password else "The private key has a password."
        except ValueError:
            fault = "The private key cannot be read: it is damaged, or not a private key."
    return fault, None
