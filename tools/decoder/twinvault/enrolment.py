"""Enrolment messages and admissions: docs/format/keys.md, Enrolment and Succession. No reader of stored data needs them."""

from . import cbor
from .cbor import data, integer, text
from .crypto import (KEM_CIPHERTEXT_BYTES, KEM_PUBLIC_BYTES, XWing, ZERO_NONCE, derive, ed25519_public, hkdf, hmac,
                     open_sealed, same, xwing_public_fits)
from .objects import LABEL_MAX, safe_descriptor
from .wire import demand, from_base32


def parse_token(token):
    """(id, secret)."""
    parts = token.split(".")
    demand(len(parts) == 2, "token")
    identity, secret = map(from_base32, parts)
    demand(len(identity) == 16 and len(secret) == 32, "token")
    return identity, secret


def _without_mac(message, token, label):
    identity, secret = token
    body, mac = message[:-32], message[-32:]
    demand(len(body) > 0, "length")
    demand(same(hmac(derive(secret, label, identity), body), mac), "MAC")
    return body


def read_request(message, token):
    body = _without_mac(message, token, b"enrol request")
    request = cbor.fields(cbor.decode(body), {"agent": data(32), "computer": data(16), "id": data(16),
                                              "name": text(LABEL_MAX), "seal": xwing_public_fits})
    demand(request["id"] == token[0], "id")
    return request


def read_answer(message, token, agent):
    """`agent`: computer, name, agentSeed and sealSeed of who asked. Gives the package."""
    body = _without_mac(message, token, b"enrol answer")
    demand(len(body) > KEM_CIPHERTEXT_BYTES, "length")
    seal = XWing(agent["sealSeed"])
    request = cbor.encode({"agent": ed25519_public(agent["agentSeed"]), "computer": agent["computer"], "id": token[0],
                           "name": agent["name"], "seal": seal.public})
    shared = seal.decapsulate(body[:KEM_CIPHERTEXT_BYTES])
    key = hkdf(shared, token[0], b"twinvault v1 enrol", 32)
    opened = open_sealed(1, key, ZERO_NONCE, request, body[KEM_CIPHERTEXT_BYTES:])
    demand(opened is not None, "sealed package")
    head = {"digest": data(32), "number": integer, "root": data(32)}
    package = cbor.fields(cbor.decode(opened), {
        "certificate": data(16), "descriptor": cbor.blob, "epoch": lambda value: integer(value) and 0 < value < 2**32,
        "kem": data(KEM_PUBLIC_BYTES), "ledger": cbor.anything, "root": data(32), "state": data(32), "write": data(32)})
    cbor.fields(package["ledger"], head)
    descriptor = safe_descriptor(package["descriptor"])
    demand(descriptor["rootKey"] == package["root"], "root")
    return package, descriptor


def open_admission(package, safe, certificate, seal_seed):
    """(write secret, state key) that an `admission` entry holds for the computer with this key."""
    demand(len(package) == KEM_CIPHERTEXT_BYTES + 80, "length")
    shared = XWing(seal_seed).decapsulate(package[:KEM_CIPHERTEXT_BYTES])
    key = hkdf(shared, certificate, b"twinvault v1 admission", 32)
    opened = open_sealed(1, key, ZERO_NONCE, safe + certificate, package[KEM_CIPHERTEXT_BYTES:])
    demand(opened is not None, "sealed package")
    return opened[:32], opened[32:]
