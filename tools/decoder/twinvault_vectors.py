#!/usr/bin/python3
"""Golden vectors (packages/vectors) against this reader: `twinvault_vectors.py FOLDER [LIST]` (the words of BIP-39) prints one JSON object per file of vectors:
{"name", "vectors", "failures": [text…]}."""

import json
import pathlib
import sys
import unicodedata

from twinvault import cbor, crypto, keys, nodes, objects, packs, records
from twinvault.catalog import Catalog
from twinvault.compaction import packs_of
from twinvault.cutting import GEAR, cuts
from twinvault.enrolment import open_admission, parse_token, read_answer, read_request
from twinvault.ledger import Ledger
from twinvault.wire import Refused, demand

class Vector:
    """One vector; `@name` stands for an item of the file's `shared`."""

    def __init__(self, file, vector):
        self._shared, self._context = file.get("shared", {}), vector.get("context", {})
        self.bytes = self._hex(vector["bytes"])

    def _hex(self, text):
        return bytes.fromhex(self._shared[text[1:]] if text.startswith("@") else text)

    def __contains__(self, key):
        return key in self._context

    def __getitem__(self, key):
        return self._hex(self._context[key])

    def list(self, key):
        return [self._hex(text) for text in self._context[key]]

    def ledger(self):
        return Ledger(self["descriptor"], self.list("entries"))


def diagnostic(value):
    if isinstance(value, bytes):
        return f"h'{value.hex()}'"
    if isinstance(value, list):
        return f"[{', '.join(map(diagnostic, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{diagnostic(key)}: {diagnostic(item)}' for key, item in value.items())}}}"
    return json.dumps(value, ensure_ascii=False)


def without(value, *names):
    return {key: item for key, item in value.items() if key not in names}


def safe(vector):
    return without(objects.safe_descriptor(vector.bytes), "digest")


def slot_value(vector):
    slot, _ = keys.key_slot(vector.bytes)
    return {**without(slot, "memory"), "memoryKiB": slot["memory"]}


PAYLOAD_NAMES = {"certificate": {"agent": "agentKey", "seal": "sealKey"}}


def ledger(vector):
    chain = vector.ledger()
    entry = chain.append(vector.bytes)
    renamed = PAYLOAD_NAMES.get(entry["kind"], {})
    payload = {renamed.get(key, key): item for key, item in entry["payload"].items()}
    if entry["kind"] == "revocation":
        payload["last"] = [{"computer": c, "job": job, "record": record} for c, job, record in payload["last"]]
    if entry["kind"] == "erase":
        payload.setdefault("other", None)
    return {"entry": {**without(entry, "kind"), "payload": {"kind": entry["kind"], **payload}}, "head": chain.head}


def header_value(header):
    return {"suite": header.suite, "kind": header.kind, "safe": header.safe, "epoch": header.epoch,
            "certificate": header.certificate, "nonce": header.nonce, "kem": header.kem}


def pack(vector):
    found = packs.Pack(vector["name"], vector.bytes, vector["safe"])
    demand("certificate" not in vector or found.header.certificate == vector["certificate"], "another certificate")
    rows = [{"section": row.section, "position": row.position, "id": row.id, "offsetBytes": row.offset,
             "lengthBytes": row.length, "salt": row.salt, "blobHash": row.blob_hash, "slip": row.slip,
             "slipOnly": row.slip_only} for row in found.rows]
    sections = [{"origin": None, "header": None}] if found.is_fresh else [
        {"origin": origin, "header": header_value(header)} for origin, header in found.sections]
    return {"header": header_value(found.header), "rows": rows, "sections": sections, **found.lengths}


def refs(vector):
    found = records.parse_refs(vector.bytes)
    positions = [position for _, bitmap in found for position in records.positions_of(bitmap)]
    return {"count": len(positions), "packs": [{"pack": name, "bitmap": bitmap} for name, bitmap in found],
            "positions": positions}


def record_value(found):
    return {"public": found.public, "suite": found.suite, "signature": found.signature, "digest": found.digest,
            "publicDigest": found.public_digest, "refsDigest": found.refs_digest, "sealedDigest": found.sealed_digest}


def record(vector):
    found = records.Record(vector.bytes)
    ancestors = vector.list("ancestors") if "ancestors" in vector else []
    found.verify(vector.ledger(), lambda digest, last: digest in ancestors)
    return {**record_value(found), "refs": found.refs, "sealed": found.sealed}


def difference(vector):
    found, base = records.Difference(vector.bytes), records.Record(vector["base"])
    stored = found.record(base)
    made = records.Record(stored)
    made.verify(vector.ledger())
    return {"base": found.base, "difference": found.difference, "record": stored, "digest": made.digest}


def stub(vector):
    found = records.Record(vector.bytes, "stub")
    found.verify(vector.ledger())
    return {**record_value(found), "tombstone": found.verify_tombstone(vector["site"])}


def plan(vector):
    found = objects.compaction_plan(vector.bytes, vector["site"])
    origins = [packs.Pack(name, stored, found["safe"]) for name, stored in zip(vector.list("names"), vector.list("packs"))]
    rows = {(pack.name, row.position): (pack.header, row) for pack in origins for row in pack.rows}
    return {**found, "packs": packs_of(found, lambda *place: rows[place])}


def key_schedule(vector):
    root = keys.RootSecret(vector.bytes)
    kinds = [keys.KindKeys(root.write_secret, kind) for kind in (1, 2, 3)]
    return {"signSeed": root.sign_seed, "rootKey": root.root_key, "readSeed1": root.read_seed(1),
            "readSeed256": root.read_seed(256), "state": root.state_key(vector["computer"]), "write": root.write_secret,
            "bundle": crypto.derive(root.write_secret, b"bundle"),
            "kinds": [{"kind": k.kind, "content": k.content, "id": k.id, "cutter": k.cutter} for k in kinds]}


def sealed(vector):
    plaintext = crypto.open_sealed(vector["suite"][0], vector["key"], vector["nonce"], vector["aad"], vector.bytes)
    demand(plaintext is not None, "does not open")
    return plaintext


def opened_slot(vector):
    for kind, name in (("password", "password"), ("kit", "kit"), ("escrow", "seed")):
        if name in vector:
            secret = vector[name].decode() if kind == "password" else vector[name]
            root = keys.open_slot(vector.bytes, kind, secret)
            demand(root is not None, "another secret")
            return root


def blob(vector):
    suite, kind = vector["suite"][0], vector["kind"][0]
    kind_keys = keys.KindKeys(keys.RootSecret(vector["rootSecret"]).write_secret, kind)
    if "plaintext" not in vector:
        return packs.open_chunk(suite, vector["key"], kind_keys, vector["safe"], vector["id"], vector.bytes)
    m, chunk = packs.secret_and_id(kind_keys, vector["plaintext"])
    key = packs.blob_key(suite, m, vector["salt"])
    payload = packs.open_blob(suite, key, (vector["safe"], kind, chunk), vector.bytes)
    return {"m": m, "id": chunk, "key": key, "payload": payload}


def opened_pack(vector):
    root = keys.RootSecret(vector["rootSecret"])
    found = packs.Pack(vector["name"], vector.bytes, vector["safe"])
    kind_keys = keys.KindKeys(root.write_secret, found.header.kind)
    out = []
    for row in found.rows:
        header = found.sections[row.section][1]
        demand(header.epoch in (0, 1), "epoch unknown")
        is_state = header.kind == keys.STATE
        secret = root.state_key(vector["computer"]) if is_state else crypto.XWing(root.read_seed(1)).decapsulate(header.kem)
        key = packs.open_slip(header.key(secret), header.suite, row)
        plaintext = packs.open_chunk(header.suite, key, kind_keys, vector["safe"], row.id, found.blob(row))
        out.append({"id": row.id, "plaintext": plaintext})
    return out


def opened_record(vector):
    found = records.Record(vector.bytes)
    demand(found.public["epoch"] == 1, "epoch unknown")
    seed = keys.RootSecret(vector["rootSecret"]).read_seed(1)
    return found.open_sealed(crypto.XWing(seed).decapsulate(found.public["kem"]))


def catalog(vector):
    kind_keys = keys.KindKeys(vector["writeSecret"], keys.CATALOG)
    by_id = {packs.secret_and_id(kind_keys, node)[1]: node for node in vector.list("nodes")}

    def node(chunk):
        demand(chunk in by_id, "no such node")
        return by_id[chunk]

    found = Catalog(node, vector.bytes[:32], vector.bytes[32], kind_keys.cutter)
    entries, size = [], 0
    for entry in found.entries():
        size += entry["sizeBytes"]
        key = nodes.key_of(entry["directory"], entry["name"])
        entries.append([key, entry["sizeBytes"], len(found.extents(entry)), len(entry["xattrs"])])
        for stream in entry["streams"]:
            found.extents(stream)
    return {"level": found.level, "bytes": size, "nodes": sorted(found.used["catalog"]), "entries": entries}


def node(vector):
    found = nodes.decode_node(vector.bytes)
    if found["type"] == "leaf":
        found["entries"] = [without(entry, "extras") for entry in found["entries"]]
    return found


def cutting(vector):
    stream, zeros = (int.from_bytes(vector[name], "little") for name in ("streamBytes", "zeroBytes"))
    blocks = (crypto.sha256(vector.bytes, index.to_bytes(8, "little")) for index in range(-(-stream // 32)))
    return cuts(vector["cutterKey"], b"".join(blocks)[:stream] + bytes(zeros))


def enrolment_request(vector):
    request = read_request(vector.bytes, parse_token(vector["token"].decode()))
    certificate = {"id": bytes(16), "computer": request["computer"], "name": request["name"], "agentKey": request["agent"],
                   "sealKey": request["seal"], "entryNumber": vector.ledger().head["number"] + 1}
    return {"computer": request["computer"], "name": request["name"], "certificate": certificate}


def enrolment_answer(vector):
    agent = {"computer": vector["computer"], "name": vector["name"].decode(), "agentSeed": vector["agentSeed"],
             "sealSeed": vector["sealSeed"]}
    package, descriptor = read_answer(vector.bytes, parse_token(vector["token"].decode()), agent)
    return {"safe": descriptor["safe"], "computer": agent["computer"], "computerName": agent["name"],
            "certificate": package["certificate"], "rootKey": package["root"], "writeSecret": package["write"],
            "stateKey": package["state"], "agentSeed": agent["agentSeed"], "sealSeed": agent["sealSeed"],
            "kem": {"epoch": package["epoch"], "key": package["kem"]}, "ledgerHead": package["ledger"],
            "suite": descriptor["suite"]}


def opened_admission(vector):
    write, state = open_admission(vector.bytes, vector["safe"], vector["certificate"], vector["sealSeed"])
    return {"writeSecret": write, "stateKey": state}


def siphash(vector):
    value = crypto.siphash24(vector["key"], vector.bytes)
    return {"high": value >> 32, "low": value & 0xFFFFFFFF}


def bundle(vector):
    tag = crypto.hmac(vector["bundleKey"], vector.bytes)
    return {"tag": tag, "endsBundle": int.from_bytes(tag[:4], "little") < 2**26}


PARSERS = {
    "bundle": bundle, "blob": blob, "catalog": catalog, "cbor": lambda vector: diagnostic(cbor.decode(vector.bytes)),
    "cutting": cutting, "difference": difference, "enrolment-answer": enrolment_answer, "enrolment-request": enrolment_request,
    "erase": lambda vector: objects.erase_order(vector.bytes, vector.ledger()),
    "erase-name": lambda vector: {"name": objects.erase_order_name(vector.bytes)}, "gear": lambda vector: GEAR, "keys": key_schedule,
    "kit": lambda vector: keys.kit_code(vector.bytes.decode(), vector["safe"]), "ledger": ledger,
    "node": node, "opened-admission": opened_admission, "opened-pack": opened_pack, "opened-record": opened_record,
    "opened-slot": opened_slot, "pack": pack, "password": lambda vector: keys.password_bytes(vector.bytes.decode()),
    "payload": lambda vector: packs.decode_payload(vector.bytes),
    "plan": plan,
    "receipt": lambda vector: objects.receipt(vector.bytes, vector["site"]), "record": record, "refs": refs, "safe": safe,
    "sealed": sealed, "siphash": siphash, "slot": slot_value, "stub": stub,
    "tombstone": lambda vector: objects.tombstone(vector.bytes, vector["site"]),
}


def plain(value):
    """As JSON has it: bytes are hexadecimal."""
    if isinstance(value, (bytes, bytearray)):
        return value.hex()
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return value


def failure_of(parser, file, vector):
    try:
        value = plain(parser(Vector(file, vector)))
    except Refused as refused:
        return f"refused: {refused}" if "value" in vector else None
    if "value" not in vector:
        return f"taken, but: {vector['defect']}"
    return None if value == vector["value"] else f"gives {json.dumps(value)[:2000]}"


def main():
    folder = pathlib.Path(sys.argv[1])
    keys.use_words(sys.argv[2] if len(sys.argv) > 2 else None)
    for path in sorted(folder.glob("*.json")):
        file = json.loads(path.read_text())
        failures = []
        for vector in file["vectors"]:
            failure = failure_of(PARSERS[file["parser"]], file, vector)
            if failure is not None:
                failures.append(f"{vector['name']}: {failure}")
        print(json.dumps({"name": path.stem, "vectors": len(file["vectors"]), "failures": failures}))


if __name__ == "__main__":
    main()
