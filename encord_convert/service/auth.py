"""Authentication and authorization: signatures over the raw bytes, API keys by digest, roles, scopes.

Nothing is allowed unless listed. What a caller may not see is reported as missing.

Source: wire protocol, section 3.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode, urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from hashlib import sha256
from hmac import compare_digest

import msgspec
from cryptography.exceptions import InvalidTag
from nacl.exceptions import CryptoError
from nacl.signing import VerifyKey
from sqlalchemy import Connection

from encord_convert.sdk.exceptions import AuthenticationError, AuthorisationError, ResourceNotFoundError
from encord_convert.sdk.http._signatures import signature_base
from encord_convert.service.calls import ANY_SCOPE, Access, Caller, Kind, Resource
from encord_convert.service.store import folders, ontologies, users

WINDOW_S = 300.0
"""Largest clock difference of a signature, in seconds."""
LONGEST_KEY = 256

BEARER = "Bearer "
"""Prefix of a token."""
TOKEN_S = 24 * 3600.0
"""Lifetime of a token, in seconds."""

_SIGNED = re.compile(r"([0-9a-f]{64}):([0-9a-f]{128})", re.ASCII)
_PARAMETERS = re.compile(
    r'encord-sig=(\("@method" "@request-target" "content-digest"\);created=(\d{1,12});keyid="([0-9a-f]{64})";'
    r'alg="ed25519")',
    re.ASCII,
)
_SIGNATURE = re.compile(r"encord-sig=:([A-Za-z0-9+/]{86}==):", re.ASCII)
_DIGEST = re.compile(r"sha-256=:([A-Za-z0-9+/]{43}=):", re.ASCII)

_REFUSED = "The key is unknown, or the signature is not of this request."


class Proof(msgspec.Struct, frozen=True, gc=False):
    """A sender's claim: to have a private key, or an API key.

    Unverified until :meth:`check`, when the body is there.

    Parameters
    ----------
    key_hex : str or None
        The public key.
    secret_sha256 : str or None
        Digest of the API key.
    signature : bytes
        64 bytes, by the private key.
    signed : bytes
        The signed bytes; empty: the SHA-256 of the body.
    digest : bytes
        The SHA-256 of the body stated in the headers; empty: none.
    is_token : bool
        Whether a token of ours stands for the signature.
    """

    key_hex: str | None = None
    secret_sha256: str | None = None
    signature: bytes = b""
    signed: bytes = b""
    digest: bytes = b""
    is_token: bool = False

    def check(self, digest: bytes) -> None:
        """Verify a request whose body has this SHA-256.

        Raises
        ------
        AuthenticationError
            The signature is of another body, or by another key.
        """
        if self.digest and not compare_digest(self.digest, digest):
            raise AuthenticationError(_REFUSED)
        if self.key_hex is not None and not self.is_token:
            try:
                # libsodium takes a third of the time of OpenSSL, which is a third of what a short request takes.
                VerifyKey(bytes.fromhex(self.key_hex)).verify(self.signed or digest, self.signature)
            except (CryptoError, ValueError):
                raise AuthenticationError(_REFUSED) from None


def envelope_proof(headers: Mapping[str, str]) -> Proof:
    """Return the claim in the headers of an envelope request.

    Raises
    ------
    AuthenticationError
        Nothing.
    """
    text = headers.get("authorization", "")
    signed = _SIGNED.fullmatch(text)
    if signed is not None:
        return Proof(key_hex=signed[1], signature=bytes.fromhex(signed[2]))
    if not text or ":" in text or len(text) > LONGEST_KEY:
        raise AuthenticationError(_REFUSED)
    return Proof(secret_sha256=sha256(text.encode()).hexdigest())


def rest_proof(method: str, target: str, headers: Mapping[str, str], now: float) -> Proof:
    """Return the claim in the headers of a REST v2 request.

    Raises
    ------
    AuthenticationError
        There is no signature, or its time is off.
    """
    parameters = _PARAMETERS.fullmatch(headers.get("signature-input", ""))
    signature = _SIGNATURE.fullmatch(headers.get("signature", ""))
    stated = headers.get("content-digest", "")
    digest = _DIGEST.fullmatch(stated)
    if parameters is None or signature is None or digest is None:
        raise AuthenticationError(_REFUSED)
    if abs(int(parameters[2]) - now) > WINDOW_S:
        raise AuthenticationError("The signature is not of this time. Is a clock wrong?")
    signed = signature_base(method, target, stated, parameters[1]).encode()
    return Proof(key_hex=parameters[3], signature=_decoded(signature[1]), signed=signed, digest=_decoded(digest[1]))


def new_token(key_hex: str, seal: Callable[[bytes], bytes], now: float) -> str:
    """Return a token in place of a public key's signatures, valid for a while and as long as the key is known."""
    return urlsafe_b64encode(seal(msgspec.json.encode((key_hex, now + TOKEN_S)))).decode()


def token_proof(token: str, unseal: Callable[[bytes], bytes], now: float) -> Proof:
    """Return the claim of a token.

    Raises
    ------
    AuthenticationError
        It is not one of ours, or has expired.
    """
    try:
        key_hex, ends = msgspec.json.decode(unseal(urlsafe_b64decode(token)), type=tuple[str, float])
    except (InvalidTag, ValueError, msgspec.DecodeError):
        raise AuthenticationError(_REFUSED) from None
    if ends < now:
        raise AuthenticationError("The token has expired. Ask for a new one.")
    return Proof(key_hex=key_hex, is_token=True)


def _decoded(text: str) -> bytes:
    """Decode base64, accepting only its canonical form."""
    raw = b64decode(text)
    if b64encode(raw).decode() != text:
        raise AuthenticationError(_REFUSED)
    return raw


def refusal() -> AuthenticationError:
    """Return the error of an unauthenticated request."""
    return AuthenticationError(_REFUSED)


def is_known(db: Connection, proof: Proof) -> bool:
    """Return whether the key of a request is known."""
    if proof.key_hex is not None:
        return users.user_of_key(db, proof.key_hex) is not None
    return users.api_key(db, proof.secret_sha256 or "") is not None


def identified(db: Connection, proof: Proof, kind: str | None, hash_: str | None) -> tuple[Caller, Resource | None]:
    """Return the caller, and the resource the call is made for.

    Parameters
    ----------
    db : Connection
    proof : Proof
    kind, hash_ : str or None
        ``ResourceType`` and ``ResourceID`` as they came; None on the user endpoint.

    Raises
    ------
    AuthenticationError
        The key is unknown.
    ResourceNotFoundError
        There is no such resource, or the caller has no role in it, with the same message.
    """
    if proof.secret_sha256 is not None:
        row = users.api_key(db, proof.secret_sha256)
        if row is None or hash_ is None or row.hash != hash_ or row.role is None:
            raise AuthenticationError(_REFUSED)
        caller = Caller(row.user_hash, row.email, frozenset(msgspec.json.decode(row.scopes)), row.title)
        return caller, Resource(Kind(row.kind), row.hash, row.role)
    assert proof.key_hex is not None
    if hash_ is None:
        user = users.user_of_key(db, proof.key_hex)
        if user is None:
            raise AuthenticationError(_REFUSED)
        return Caller(*user), None
    known = users.user_and_role(db, proof.key_hex, kind or "", hash_)
    if known is None:
        raise AuthenticationError(_REFUSED)
    user_hash, email, role = known
    if role is None and kind == Kind.FOLDER:
        role = folders.role_of(db, hash_, user_hash)
    elif role != 0 and kind == Kind.ONTOLOGY:
        by_project = ontologies.role_by_project(db, hash_, user_hash)
        role = by_project if role is None or by_project == 0 else role
    if kind is None or role is None:
        raise unseen(kind if kind in set(Kind) else "resource", hash_)
    return Caller(user_hash, email), Resource(Kind(kind), hash_, role)


def unseen(kind: str | None, hash_: str) -> ResourceNotFoundError:
    """Return the error for what is missing or hidden from this caller."""
    return ResourceNotFoundError(f"There is no {kind} {hash_[:64]}, or this key may not see it.")


def check(access: Access, caller: Caller, resource: Resource | None) -> None:
    """Check that the caller may make this call.

    Raises
    ------
    AuthorisationError
        The caller may not.
    """
    if caller.scopes is not None and access.scope not in {ANY_SCOPE, *caller.scopes}:
        raise AuthorisationError("The API key does not allow this.")
    if resource is None:
        return
    if access.kinds and resource.kind not in access.kinds:
        raise AuthorisationError(f"This is not done in the name of a {resource.kind.value}.")
    if access.roles is not None and resource.role not in access.roles:
        raise AuthorisationError(f"The caller's role in this {resource.kind.value} does not allow this.")
