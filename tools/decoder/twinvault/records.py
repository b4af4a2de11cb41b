"""Records, refs and stubs: docs/format/records.md."""

from . import cbor
from .cbor import blob, data, integer, items, one_of, text
from .crypto import KEM_CIPHERTEXT_BYTES, ZERO_NONCE, hkdf, open_sealed, sha256, verify
from .objects import LABEL_MAX, header_of, suite_of, tombstone
from .wire import Reader, demand, varint

PUBLIC_MAX, REFS_MAX, SEALED_MAX = 64 * 1024, 256 * 1024 * 1024, 4 * 1024 * 1024
PATH_MAX, LEVEL_MAX, ERRORS_MAX = 32768, 32, 10000
LABEL = text(LABEL_MAX)
positive = lambda value: integer(value) and value > 0
COUNTS = ("bytesChanged", "bytesProtected", "bytesUploaded", "directories", "errors", "files", "filesChanged", "others")


class Record:
    """A record, or what a stub keeps of one; in its form, its signature still to be checked."""

    def __init__(self, stored, kind="record"):
        self.stored = stored
        reader = Reader(stored)
        self.suite = suite_of(kind, reader.take(min(8, reader.left)))
        demand(self.suite != 0, "suite unknown")
        self.header = header_of("record", self.suite)
        if kind == "record":
            lengths = [reader.u32() for _ in range(3)]
            for length, most in zip(lengths, (PUBLIC_MAX, REFS_MAX, SEALED_MAX)):
                demand(length <= most, "object too large")
            demand(reader.left == sum(lengths) + 64, "lengths do not add up")
            public, self.refs, self.sealed = (reader.take(length) for length in lengths)
            self.refs_digest, self.sealed_digest = sha256(self.refs), sha256(self.sealed)
            self.positions = parse_refs(self.refs)
        else:
            length = reader.u32()
            demand(length <= PUBLIC_MAX and length <= reader.left, "lengths do not add up")
            public, self.refs, self.sealed = reader.take(length), None, None
            self.refs_digest, self.sealed_digest = reader.take(32), reader.take(32)
        self.signature = reader.take(64)
        if kind == "stub":
            self.tombstone = reader.take(reader.u32())
        reader.end(f"the {kind}")
        self.public = parse_public(cbor.decode(public))
        self.public_digest = sha256(self.header, public)
        digests = self.public_digest + self.refs_digest + self.sealed_digest
        self.message = b"twinvault record v1\0" + digests
        self.digest = sha256(b"twinvault record digest v1\0", digests, self.signature)

    def verify(self, ledger, is_ancestor=lambda digest, last: False):
        public = self.public
        certificate, head = public["certificate"], public["ledger"]
        demand(public["safe"] == ledger.safe, "record of another safe")
        known = head["number"] < len(ledger.heads) and ledger.heads[head["number"]]
        demand(known == head, "head that the record names")
        demand(self.suite >= ledger.minimums[head["number"]], "suite too low")
        demand(public["epoch"] <= len(ledger.epochs), "epoch not in the ledger")
        demand(certificate in ledger.certificates, "signer of a record")
        demand(ledger.names_job(certificate, public["computer"], public["job"]), "computer of the job")
        key = ledger.certificates[certificate]["agent"]
        demand(verify(key, self.message, self.signature), "signature: record")
        if certificate in ledger.revocations:
            last = ledger.revocations[certificate].get((public["computer"], public["job"]))
            stands = last is not None and (last == self.digest or is_ancestor(self.digest, last))
            demand(stands, "record after the last that stands")

    def verify_tombstone(self, site_key):
        found = tombstone(self.tombstone, site_key)
        demand(found["record"] == self.digest, "tombstone of another record")
        demand(found["safe"] == self.public["safe"], "tombstone of another safe")
        return found

    def open_sealed(self, session_secret):
        """What only readers see: catalog root, errors, host, sources."""
        key = hkdf(session_secret, self.public["nonce"], b"twinvault v1 record", 32)
        plaintext = open_sealed(self.suite, key, ZERO_NONCE, self.public_digest, self.sealed)
        demand(plaintext is not None, "sealed part damaged")
        part = cbor.fields(cbor.decode(plaintext), {"catalog": items(2, count_min=2), "errors": items(ERRORS_MAX),
                                                    "host": text(LABEL_MAX, 0), "sources": items(2**20, _path)})
        root, level = part["catalog"]
        demand(data(32)(root) and integer(level) and level <= LEVEL_MAX, "catalog")
        for error in part["errors"]:
            demand(items(2, count_min=2)(error) and _path(error[0]) and LABEL(error[1]), "errors")
        return {"catalog": {"root": root, "level": level}, "host": part["host"], "sources": part["sources"],
                "errors": [{"path": path, "code": code} for path, code in part["errors"]]}


def _path(value):
    return blob(value) and len(value) <= PATH_MAX


def parse_public(value):
    head = {"digest": data(32), "number": integer, "root": data(32)}
    public = cbor.fields(value, {
        "certificate": data(16), "computer": data(16), "safe": data(16), "computerName": LABEL, "job": LABEL,
        "retention": LABEL, "kind": one_of("safeset", "checkpoint"), "sequence": positive, "previous": items(64, data(32)),
        "ledger": cbor.anything, "start": integer, "end": integer, "result": one_of("ok", "with errors", "deferred"),
        "counts": cbor.anything, "epoch": lambda value: positive(value) and value < 2**32,
        "kem": data(KEM_CIPHERTEXT_BYTES), "nonce": data(32), "safeset": data(16)})
    cbor.fields(public["ledger"], head)
    cbor.fields(public["counts"], {key: integer for key in COUNTS})
    previous = public["previous"]
    demand(all(a < b for a, b in zip(previous, previous[1:])), "previous records not sorted")
    rest = {key: item for key, item in public.items() if key not in ("start", "end")}
    return {**rest, "startMs": public["start"], "endMs": public["end"]}


def parse_refs(stored):
    """[(pack name, bitmap)…]."""
    reader = Reader(stored)
    count = reader.varint()
    demand(count * 34 <= reader.left, "more packs than bytes")
    packs = []
    for _ in range(count):
        name, length = reader.take(32), reader.varint()
        demand(0 < length <= 8192, "length of a bitmap")
        bitmap = reader.take(length)
        demand(bitmap[-1] != 0, "bitmap longer than needed")
        demand(not packs or packs[-1][0] < name, "order of packs")
        packs.append((name, bitmap))
    reader.end("the refs")
    return packs


def encode_refs(packs):
    """The one form of refs: {pack name: bitmap without zeros at its end}."""
    parts = [varint(len(packs))]
    for name in sorted(packs):
        parts += [name, varint(len(packs[name])), packs[name]]
    return b"".join(parts)


class Difference:
    """A record as it may be sent to a site that has an earlier one, its base."""

    def __init__(self, stored):
        reader = Reader(stored)
        self.suite = suite_of("difference", reader.take(min(8, reader.left)))
        demand(self.suite != 0, "suite unknown")
        self.base = reader.take(32)
        lengths = [reader.u32() for _ in range(3)]
        for length, most in zip(lengths, (PUBLIC_MAX, REFS_MAX, SEALED_MAX)):
            demand(length <= most, "object too large")
        demand(reader.left == sum(lengths) + 64, "lengths do not add up")
        self.public, self.difference, self.sealed = (reader.take(length) for length in lengths)
        self.signature = reader.take(64)
        self.positions = parse_refs(self.difference)

    def record(self, base):
        """The record's own bytes. Whether they are, its signature tells."""
        demand(self.base == base.digest, "another base")
        packs = dict(base.positions)
        for name, bitmap in self.positions:
            size = max(len(bitmap), len(packs.get(name, b"")))
            bits = int.from_bytes(packs.get(name, b""), "little") ^ int.from_bytes(bitmap, "little")
            packs[name] = bits.to_bytes(size, "little").rstrip(b"\0")
        refs = encode_refs({name: bitmap for name, bitmap in packs.items() if bitmap})
        lengths = b"".join(len(part).to_bytes(4, "little") for part in (self.public, refs, self.sealed))
        return header_of("record", self.suite) + lengths + self.public + refs + self.sealed + self.signature


def positions_of(bitmap):
    return [8 * index + bit for index, byte in enumerate(bitmap) for bit in range(8) if byte >> bit & 1]
