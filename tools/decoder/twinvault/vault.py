"""A vault in a directory, read and checked whole: docs/format/directory-vault.md, and all that the other pages demand of a reader."""

import json
import pathlib
import re

from .catalog import Catalog
from .crypto import XWing, sha256
from .keys import CATALOG, DATA, STATE, KindKeys, RootSecret, kit_code, open_slot
from .ledger import Ledger
from .objects import compaction_plan, receipt
from .packs import Pack, open_chunk, open_slip
from .records import Record, positions_of
from .wire import demand


class WrongSecret(Exception):
    """No key slot of the safe opens with this password or kit."""


def read_note(text):
    """A note: JSON in one line whose last key is a digest of the rest."""
    demand(text.endswith("\n"), "note damaged")
    found = re.fullmatch(r'(\{.*),"check":"([0-9a-f]{16})"\}\n', text)
    demand(found is not None, "note damaged")
    body = found[1] + "}"
    demand(sha256(b"twinvault note\0", body.encode())[:8].hex() == found[2], "note damaged")
    return json.loads(body)


def names_in(folder):
    """Names that begin with a dot are temporary."""
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith(".")) if folder.is_dir() else []


def files_in(folder):
    return {name: (folder / name).read_bytes() for name in names_in(folder)}


class Vault:
    def __init__(self, path):
        self.path = pathlib.Path(path)
        marker = self.path / "twinvault-vault.json"
        demand(marker.is_file(), "no vault: twinvault-vault.json is missing")
        note = read_note(marker.read_text())
        demand(note.get("twinvault") == "vault" and note.get("format") == 1, "not a vault of version 1")
        self.site, self.site_key = bytes.fromhex(note["site"]), bytes.fromhex(note["key"])

    def safes(self):
        return [Safe(self, self.path / "safes" / name) for name in names_in(self.path / "safes")]


class Safe:
    """What can be checked without a key is checked here: ledger, records, stubs, receipts, packs."""

    def __init__(self, vault, path):
        self.vault, self.path = vault, path
        numbers = names_in(path / "ledger")
        demand(numbers == [f"{number:010}" for number in range(1, len(numbers) + 1)], "ledger entry missing")
        self.ledger = Ledger((path / "descriptor").read_bytes(), files_in(path / "ledger").values())
        demand(self.ledger.safe.hex() == path.name, "safe under another name")
        self.ledger.demand_known_features()
        slots = files_in(path / "slots")
        for name, stored in slots.items():
            demand(sha256(stored).hex() == name, "key slot under another name")
        demand(all(digest.hex() in slots for digest in self.ledger.slots), "key slot missing")
        self.slots = [slots[digest.hex()] for digest in self.ledger.slots]
        self.records, self.stubs = self._records("records", "record"), self._records("stubs", "stub")
        self._check_chains()
        self._check_receipts()
        self._check_plans()
        self.places, self.blobs = {}, {}
        for shard in names_in(path / "packs"):
            for name, stored in files_in(path / "packs" / shard).items():
                demand(name.startswith(shard), "pack in another folder")
                self._index(Pack(bytes.fromhex(name), stored, self.ledger.safe))

    @property
    def label(self):
        return self.ledger.descriptor["label"]

    def _records(self, folder, kind):
        found = {}
        for name, stored in files_in(self.path / folder).items():
            record = Record(stored, kind)
            demand(record.digest.hex() == name, f"{kind} under another name")
            found[record.digest] = record
        return found

    def _check_chains(self):
        every = {**self.records, **self.stubs}

        def is_ancestor(digest, last):
            todo, seen = [last], set()
            while todo:
                one = todo.pop()
                if one == digest:
                    return True
                if one in every and one not in seen:
                    seen.add(one)
                    todo += every[one].public["previous"]
            return False

        for record in every.values():
            record.verify(self.ledger, is_ancestor)
            before = [every[digest].public["sequence"] for digest in record.public["previous"] if digest in every]
            demand(all(sequence < record.public["sequence"] for sequence in before), "sequence does not count up")
        for stub in self.stubs.values():
            demand(stub.verify_tombstone(self.vault.site_key)["site"] == self.vault.site, "tombstone of another site")

    def _check_receipts(self):
        for name, stored in files_in(self.path / "receipts").items():
            found = receipt(stored, self.vault.site_key)
            known = found["record"] in self.records or found["record"] in self.stubs
            demand(found["record"].hex() == name and known, "receipt of another record")
            demand(found["site"] == self.vault.site and found["safe"] == self.ledger.safe, "receipt of another site or safe")

    def _check_plans(self):
        for name, stored in files_in(self.path / "plans").items():
            plan = compaction_plan(stored, self.vault.site_key)
            demand(plan["digest"].hex() == name and plan["safe"] == self.ledger.safe, "plan under another name")

    def _index(self, pack):
        """By origin and position: where a row stands. By id and hash: where a blob stands."""
        for row in pack.rows:
            origin, header = pack.sections[row.section]
            demand(header.certificate in self.ledger.certificates, "pack of a certificate that nobody knows")
            self.places.setdefault((origin, row.position), []).append((pack, row, header))
            if not row.slip_only:
                self.blobs.setdefault((row.id, row.blob_hash), []).append((pack, row, header))

    def open(self, kind, secret):
        if kind == "kit":
            secret = kit_code(secret, self.ledger.safe)
        for stored in self.slots:
            opened = open_slot(stored, kind, secret)
            if opened is not None:
                return OpenedSafe(self, RootSecret(opened))
        raise WrongSecret()


class OpenedSafe:
    def __init__(self, safe, root):
        self.safe, self.root, self.ledger = safe, root, safe.ledger
        demand(root.root_key == self.ledger.root_key, "the root secret is of another safe")
        self.readers = [XWing(root.read_seed(epoch)) for epoch in range(1, len(self.ledger.epochs) + 1)]
        demand([reader.public for reader in self.readers] == self.ledger.epochs, "reading key of another safe")
        self.keys = {kind: KindKeys(root.write_secret, kind) for kind in (DATA, CATALOG, STATE)}
        self._secrets, self._pack_keys = {}, {}

    def session_secret(self, epoch, kem):
        demand(0 < epoch <= len(self.readers), "epoch unknown")
        if (epoch, kem) not in self._secrets:
            self._secrets[epoch, kem] = self.readers[epoch - 1].decapsulate(kem)
        return self._secrets[epoch, kem]

    def slip_key(self, row, header):
        """K of a row's blob."""
        if header.bytes not in self._pack_keys:
            is_state = header.kind == STATE
            computer = self.ledger.certificates[header.certificate]["computer"]
            secret = self.root.state_key(computer) if is_state else self.session_secret(header.epoch, header.kem)
            self._pack_keys[header.bytes] = header.key(secret)
        return open_slip(self._pack_keys[header.bytes], header.suite, row)

    def safesets(self):
        """Newest last."""
        found = [record for record in self.safe.records.values() if record.public["kind"] == "safeset"]
        return [Safeset(self, record) for record in sorted(found, key=lambda one: (one.public["startMs"], one.digest))]


class Safeset:
    """One restore point. Every chunk is opened through the refs of its record, and its id is checked."""

    def __init__(self, opened, record):
        self.opened, self.record = opened, record
        secret = opened.session_secret(record.public["epoch"], record.public["kem"])
        self.part = record.open_sealed(secret)
        self.chunks, self.state = {}, []
        for name, bitmap in record.positions:
            for position in positions_of(bitmap):
                places = opened.safe.places.get((name, position))
                demand(places is not None, "a position of the refs is missing")
                for pack, row, header in places:
                    if header.kind == STATE:
                        self.state.append((pack, row, header))
                    else:
                        self.chunks.setdefault((header.kind, row.id), []).append((pack, row, header))
        self._cache = {}
        root = self.part["catalog"]
        self.catalog = Catalog(lambda chunk: self.read(CATALOG, chunk), root["root"], root["level"],
                               opened.keys[CATALOG].cutter)

    def read(self, kind, chunk):
        if (kind, chunk) not in self._cache:
            rows = self.chunks.get((kind, chunk))
            demand(rows is not None, "a chunk does not stand in the refs")
            plaintexts = {self._open(row, header) for _, row, header in rows}
            demand(len(plaintexts) == 1, "copies of a chunk differ")
            self._cache[kind, chunk] = plaintexts.pop()
        return self._cache[kind, chunk]

    def _open(self, row, header):
        """Of every copy of the blob that the row's slip opens, wherever it stands."""
        key = self.opened.slip_key(row, header)
        copies = self.opened.safe.blobs.get((row.id, row.blob_hash))
        demand(copies is not None, "a slip without its blob")
        keys, safe = self.opened.keys[header.kind], self.opened.ledger.safe
        opened = {open_chunk(of.suite, key, keys, safe, row.id, pack.blob(one)) for pack, one, of in copies}
        demand(len(opened) == 1, "copies of a blob differ")
        return opened.pop()

    def content(self, content):
        """(offset, bytes) of each run of data of a file or stream, in order; what is between is holes."""
        at = 0
        for extent in self.catalog.extents(content):
            if extent["chunk"] is not None:
                chunk = self.read(DATA, extent["chunk"])
                end = extent["offsetBytes"] + extent["lengthBytes"]
                demand(end <= len(chunk), "extent beyond its chunk")
                yield at, chunk[extent["offsetBytes"]:end]
            at += extent["lengthBytes"]

    def check_refs(self):
        """After everything was read: the refs name exactly what the catalog uses, blobs too where a row is a slip."""
        used = {(CATALOG, chunk) for chunk in self.catalog.used["catalog"]}
        used |= {(DATA, chunk) for chunk in self.catalog.used["data"]}
        demand(set(self.chunks) == used, "refs are not what the catalog uses")
        for rows in self.chunks.values():
            demand(any(not row.slip_only for _, row, _ in rows), "a slip without its blob in the refs")
        for pack, row, header in self.state:
            key = self.opened.slip_key(row, header)
            open_chunk(header.suite, key, self.opened.keys[STATE], self.opened.ledger.safe, row.id, pack.blob(row))
