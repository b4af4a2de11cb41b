"""Primitives and suites: docs/format/README.md (Conventions), docs/format/keys.md (Suites)."""

import hashlib
import hmac as hmac_module

import zstandard
from argon2.low_level import Type, hash_secret_raw
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from . import mlkem
from .wire import demand, u64

ZERO_NONCE = bytes(12)
KEM_PUBLIC_BYTES, KEM_CIPHERTEXT_BYTES = 1216, 1120


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def hmac(key, *parts):
    return hmac_module.new(key, b"".join(parts), hashlib.sha256).digest()


def same(a, b):
    return hmac_module.compare_digest(a, b)


def hkdf(secret, salt, info, length):
    """RFC 5869 with SHA-256."""
    key, out, block = hmac(salt or bytes(32), secret), b"", b""
    for counter in range(1, -(-length // 32) + 1):
        block = hmac(key, block, info, bytes([counter]))
        out += block
    return out[:length]


def derive(secret, label, context=b""):
    return hkdf(secret, b"", b"twinvault v1 " + label + b"\0" + context, 32)


def open_sealed(suite, key, nonce, aad, sealed):
    """The plaintext, or None when anything about it is not as it was sealed."""
    if suite == 1:
        if len(sealed) < 16:
            return None
        try:
            return AESGCM(key).decrypt(nonce, sealed, aad)
        except InvalidTag:
            return None
    derived = hkdf(key, nonce, b"twinvault v1 suite2", 80)
    encryption, mac_key, iv = derived[:32], derived[32:64], derived[64:]
    ciphertext, mac = sealed[:-32], sealed[-32:]
    if len(sealed) < 48 or len(ciphertext) % 16 != 0:
        return None
    if not same(hmac(mac_key, u64(len(aad)), aad, iv, ciphertext), mac):
        return None
    decryptor = Cipher(algorithms.AES(encryption), modes.CBC(iv)).decryptor()
    padded = decryptor.update(ciphertext) + decryptor.finalize()
    count = padded[-1]
    if not 1 <= count <= 16 or padded[-count:] != bytes([count]) * count:
        return None
    return padded[:-count]


def sealed_length(suite, length):
    return length + 16 if suite == 1 else length // 16 * 16 + 16 + 32


def verify(public_key, message, signature):
    """Ed25519 (RFC 8032)."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
        return True
    except (InvalidSignature, ValueError):
        return False


def ed25519_public(seed):
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


class XWing:
    """A private key of X-Wing (draft-connolly-cfrg-xwing-kem-06) from its seed of 32 bytes."""

    def __init__(self, seed):
        expanded = hashlib.shake_256(seed).digest(96)
        public, self._private = mlkem.keygen(expanded[:32], expanded[32:64])
        self._x = X25519PrivateKey.from_private_bytes(expanded[64:])
        self._x_public = self._x.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.public = public + self._x_public

    def decapsulate(self, ciphertext):
        demand(len(ciphertext) == KEM_CIPHERTEXT_BYTES, "length of a KEM ciphertext")
        lattice, point = ciphertext[:mlkem.CIPHERTEXT_BYTES], ciphertext[mlkem.CIPHERTEXT_BYTES:]
        secret = mlkem.decapsulate(self._private, lattice)
        try:
            shared = self._x.exchange(X25519PublicKey.from_public_bytes(point))
        except ValueError:  # a point of small order gives zero
            shared = bytes(32)
        return hashlib.sha3_256(secret + shared + point + self._x_public + bytes.fromhex("5c2e2f2f5e5c")).digest()


def xwing_public_fits(public):
    return len(public) == KEM_PUBLIC_BYTES and mlkem.public_key_fits(public[:mlkem.PUBLIC_BYTES])


def argon2id(password, salt, passes, memory_kib, lanes):
    return hash_secret_raw(password, salt, passes, memory_kib, lanes, 64, Type.ID)


def unzstd(frame, length):
    """One zstd frame that gives exactly `length` bytes, or None."""
    try:
        if frame[:4] != b"\x28\xb5\x2f\xfd" or zstandard.get_frame_parameters(frame).dict_id != 0:
            return None
        decompressor, out = zstandard.ZstdDecompressor().decompressobj(), bytearray()
        for start in range(0, len(frame), 256):
            if decompressor.eof:
                return None
            out += decompressor.decompress(frame[start:start + 256])
            if len(out) > length:
                return None
        fits = decompressor.eof and not decompressor.unused_data and len(out) == length
        return bytes(out) if fits else None
    except zstandard.ZstdError:
        return None


def siphash24(key, message):
    """SipHash-2-4, 64 bits."""
    mask = 2**64 - 1

    def rotate(value, bits):
        return (value << bits | value >> 64 - bits) & mask

    k0, k1 = int.from_bytes(key[:8], "little"), int.from_bytes(key[8:], "little")
    v = [k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D, k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573]

    def rounds(count):
        for _ in range(count):
            v[0] = (v[0] + v[1]) & mask
            v[1] = rotate(v[1], 13) ^ v[0]
            v[0] = rotate(v[0], 32)
            v[2] = (v[2] + v[3]) & mask
            v[3] = rotate(v[3], 16) ^ v[2]
            v[0] = (v[0] + v[3]) & mask
            v[3] = rotate(v[3], 21) ^ v[0]
            v[2] = (v[2] + v[1]) & mask
            v[1] = rotate(v[1], 17) ^ v[2]
            v[2] = rotate(v[2], 32)

    whole = len(message) // 8 * 8
    last = len(message) % 256 << 56 | int.from_bytes(message[whole:], "little")
    for word in [int.from_bytes(message[at:at + 8], "little") for at in range(0, whole, 8)] + [last]:
        v[3] ^= word
        rounds(2)
        v[0] ^= word
    v[2] ^= 0xFF
    rounds(4)
    return v[0] ^ v[1] ^ v[2] ^ v[3]
