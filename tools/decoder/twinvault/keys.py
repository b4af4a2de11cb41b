"""Key schedule, key slots, passwords and the recovery kit: docs/format/keys.md."""

import pathlib
import re
import unicodedata

from . import cbor
from .crypto import (KEM_CIPHERTEXT_BYTES, XWing, ZERO_NONCE, argon2id, derive, ed25519_public, hkdf, open_sealed, same,
                     sha256)
from .objects import suite_of
from .wire import Reader, Refused, demand, from_base32, to_base32, u32

DATA, CATALOG, STATE = 1, 2, 3
SLOT_MAX = 4096


class RootSecret:
    """Everything follows from it."""

    def __init__(self, secret):
        demand(len(secret) == 32, "length of a root secret")
        self.secret = secret
        self.sign_seed = derive(secret, b"sign")
        self.root_key = ed25519_public(self.sign_seed)
        self.write_secret = derive(secret, b"write")

    def read_seed(self, epoch):
        return derive(self.secret, b"read", u32(epoch))

    def state_key(self, computer):
        return derive(self.secret, b"state", computer)


class KindKeys:
    """The keys of one kind, from the write secret."""

    def __init__(self, write_secret, kind):
        self.kind = kind
        self.content = derive(write_secret, b"content", bytes([kind]))
        self.id = derive(write_secret, b"id", bytes([kind]))
        self.cutter = derive(write_secret, b"cutter", bytes([kind]))[:16]


def short_form(root_key):
    digits = to_base32(sha256(root_key)[:10])
    return "-".join(digits[at:at + 4] for at in range(0, 16, 4))


def key_slot(stored):
    """A slot in its form; nothing of it is trusted before the ledger names it and it opens."""
    demand(len(stored) <= SLOT_MAX, "object too large")
    reader = Reader(stored)
    header = reader.take(min(8, reader.left))
    demand(suite_of("slot", header) == 1, "suite of a key slot")
    length = reader.u32()
    demand(reader.left == length, "lengths do not add up")
    body = cbor.decode(reader.take(length))
    integer, data = cbor.integer, cbor.data
    slot = cbor.fields(body, {"commitment": data(32), "lanes": integer, "memory": integer, "passes": integer,
                              "salt": data(32), "safe": data(16), "slot": data(16),
                              "type": cbor.one_of("password", "kit", "escrow"), "wrapped": cbor.blob})
    cost = (slot["passes"], slot["memory"], slot["lanes"])
    if slot["type"] == "password":
        demand(3 <= cost[0] <= 16 and 64 * 1024 <= cost[1] <= 1024 * 1024 and 1 <= cost[2] <= 16, "slot parameters")
    else:
        demand(cost == (0, 0, 0), "slot parameters")
    wrapped = 48 + (KEM_CIPHERTEXT_BYTES if slot["type"] == "escrow" else 0)
    demand(len(slot["wrapped"]) == wrapped, "value of a key")
    aad = header + cbor.encode({key: value for key, value in slot.items() if key != "wrapped"})
    return slot, aad


def password_bytes(password):
    composed = unicodedata.normalize("NFKC", password)
    demand(14 <= len(composed) <= 1024, "length of a password")
    return composed.encode("utf-8")


def open_slot(stored, kind, secret):
    """The root secret, or None when this slot is of another kind or opens with another secret."""
    slot, aad = key_slot(stored)
    if slot["type"] != kind:
        return None
    salt, wrapped = slot["salt"], slot["wrapped"]
    if kind == "password":
        stretched = argon2id(password_bytes(secret), salt, slot["passes"], slot["memory"], slot["lanes"])
    elif kind == "kit":
        stretched = hkdf(secret, salt, b"twinvault v1 slot kit", 64)
    else:
        shared = XWing(secret).decapsulate(wrapped[:KEM_CIPHERTEXT_BYTES])
        stretched, wrapped = hkdf(shared, salt, b"twinvault v1 slot escrow", 64), wrapped[KEM_CIPHERTEXT_BYTES:]
    if not same(sha256(b"twinvault v1 slot commitment", stretched[:32]), slot["commitment"]):
        return None
    secret = open_sealed(1, stretched[32:], ZERO_NONCE, aad, wrapped)
    if secret is None or len(secret) != 32:
        raise Refused("key slot damaged")
    return secret


def text_of(stored):
    """Of a kit's file: a PDF has the lines that matter as comments at its beginning."""
    if not stored.startswith(b"%PDF-"):
        return stored.decode("utf-8")
    mark = "% Twinvault kit: "
    lines = stored[:1024].decode("latin-1").splitlines()
    return "\n".join(line[len(mark):] for line in lines if line.startswith(mark))


def escrow_seed(text):
    """The seed of 32 bytes, from the private half of an escrow key."""
    found = [line.strip()[4:] for line in text.splitlines() if line.strip().lower().startswith("key:")]
    demand(len(found) == 1, "no single key")
    decoded = from_base32(found[0].strip())
    demand(len(decoded) == 35, "length of the key")
    demand(decoded[32:] == sha256(b"twinvault v1 escrow private", decoded[:32])[:3], "check of the key")
    return decoded[:32]


# The English list of BIP-39, as docs/format/keys.md names it.
WORDS_DIGEST = "2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda"
words_file = None


def use_words(path):
    """Tells where the English list of BIP-39 is, for kits that are given as words."""
    global words_file
    words_file = path


def word_list():
    """The 2,048 words, one a line, checked by their digest."""
    if words_file is None:
        raise Refused("words need the list that they are of: give the English list of BIP-39 with --words, or the code of the kit")
    listed = pathlib.Path(words_file).read_bytes()
    demand(sha256(listed).hex() == WORDS_DIGEST, "this is not the English list of BIP-39")
    return listed.decode("ascii").split()


def code_of_words(text):
    """The code that words stand for; None when the text is something else."""
    typed = [re.sub(r"^\d{1,2}[.:)]*", "", run) for run in re.split(r"[\s,;]+", text.lower())]
    typed = [word for word in typed if word]
    if len(typed) < 16 or not all(len(word) >= 3 and word.isalpha() for word in typed):
        return None
    words, bits = word_list(), 0
    for word in typed:
        fitting = [word] if word in words else [one for one in words if len(word) >= 4 and one.startswith(word)]
        demand(len(fitting) == 1, f"unknown word {word}")
        bits = bits << 11 | words.index(fitting[0])
    demand(len(typed) == 24, "number of words")
    code = (bits >> 8).to_bytes(32, "big")
    demand(bits & 0xFF == sha256(code)[0], "check of the words")
    return code


def kit_code(text, safe):
    """The code of 32 bytes, from the text of a recovery kit, or from its code or its words alone."""
    lines = [line.strip() for line in text.splitlines()]
    coded = [line[5:] for line in lines if line.lower().startswith("code:")]
    if not coded and (code := code_of_words(text)) is not None:
        return code
    filled = [line for line in lines if line]
    if not coded and len(filled) == 1:
        coded = filled
    demand(len(coded) == 1, "no single code")
    letters = coded[0].replace("-", "").replace(" ", "")
    demand(len(letters) == 56, "length of the code")
    decoded = from_base32(letters)
    code, check = decoded[:32], decoded[32:]
    demand(check == sha256(b"twinvault v1 kit", safe, code)[:3], "check of the code")
    return code
