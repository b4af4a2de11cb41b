"""Signed objects and the small ones: docs/format/README.md (Conventions), keys.md (descriptor), records.md (receipt …)."""

from . import cbor
from .cbor import boolean, data, integer, text
from .crypto import sha256, verify
from .wire import Reader, demand

LABEL_MAX, SIGNED_MAX, PLAN_PACKS_MAX = 256, 64 * 1024, 1024
MAGICS = {"safe": b"TVSD", "ledger": b"TVLE", "slot": b"TVKS", "pack": b"TVPK", "record": b"TVRC", "difference": b"TVRD", "receipt": b"TVRE",
          "tombstone": b"TVTO", "stub": b"TVST", "plan": b"TVCP", "erase": b"TVEO"}


def header_of(kind, suite):
    return MAGICS[kind] + bytes([1, suite, 0, 0])


def suite_of(kind, header):
    """The suite that the object header of 8 bytes names; 0: none."""
    demand(len(header) == 8, "shorter than its header")
    demand(header[:4] == MAGICS[kind], "magic")
    demand(header[4] == 1, "version unknown")
    demand(header[5] in (0, 1, 2), "suite unknown")
    demand(header[6:] == b"\0\0", "header not zero")
    return header[5]


class Signed:
    """A signed object in its form; its signature is still to be checked, with a key that its kind says."""

    def __init__(self, kind, stored, size_max=SIGNED_MAX):
        demand(len(stored) <= size_max, "object too large")
        reader = Reader(stored)
        self.kind, self.header = kind, reader.take(min(8, reader.left))
        demand(suite_of(kind, self.header) == 0, "suite in a signed object")
        length = reader.u32()
        demand(reader.left == length + 64, "lengths do not add up")
        self.body, self.signature = reader.take(length), reader.take(64)
        self.value = cbor.decode(self.body)
        self.digest = sha256(stored)

    def message(self, second=False):
        mark = b" second v1\0" if second else b" v1\0"
        value = {key: item for key, item in self.value.items() if key != "other"} if second else self.value
        body = cbor.encode(value) if second else self.body
        return b"twinvault " + self.kind.encode() + mark + self.header + body

    def demand_signature(self, key):
        demand(verify(key, self.message(), self.signature), f"signature: {self.kind}")

    def has_second(self, keys):
        """Whether `other` is the signature of one of these keys."""
        return any(verify(key, self.message(second=True), self.value["other"]) for key in keys)


def safe_id_of(root_key):
    return sha256(b"twinvault safe id v1", root_key)[:16]


def safe_descriptor(stored):
    signed = Signed("safe", stored)
    value = cbor.fields(signed.value, {"created": integer, "label": text(LABEL_MAX), "root": data(32), "safe": data(16),
                                       "suite": cbor.one_of(1, 2)})
    demand(value["safe"] == safe_id_of(value["root"]), "id does not follow from the root key")
    signed.demand_signature(value["root"])
    return {"safe": value["safe"], "rootKey": value["root"], "label": value["label"], "suite": value["suite"],
            "createdMs": value["created"], "digest": signed.digest}


def receipt(stored, site_key):
    signed = Signed("receipt", stored)
    value = cbor.fields(signed.value, {"generation": data(16), "measure": cbor.anything, "received": integer,
                                       "record": data(32), "safe": data(16), "site": data(16)}, optional=("measure",))
    found = {"safe": value["safe"], "site": value["site"], "generation": value["generation"], "record": value["record"],
             "receivedMs": value["received"]}
    if "measure" in value:
        measure = cbor.fields(value["measure"], {"bytes": integer, "bytesNew": integer, "origins": integer,
                                                 "originsReused": integer, "suspect": boolean})
        demand(measure["bytesNew"] <= measure["bytes"], "more new bytes than bytes")
        demand(measure["originsReused"] <= measure["origins"], "more origins reused than there are")
        found["measure"] = measure
    signed.demand_signature(site_key)
    return found


def tombstone(stored, site_key):
    signed = Signed("tombstone", stored)
    value = cbor.fields(signed.value, {"generation": data(16), "reason": text(LABEL_MAX), "record": data(32),
                                       "retired": integer, "safe": data(16), "site": data(16)})
    signed.demand_signature(site_key)
    return {"safe": value["safe"], "site": value["site"], "generation": value["generation"], "record": value["record"],
            "reason": value["reason"], "retiredMs": value["retired"]}


ERASE_ORDER_MAX = 1024 * 1024


def erase_order_name(stored):
    """What the ledger and certificates call an order: SHA-256 of what a second operator signs, whoever signed."""
    return sha256(Signed("erase", stored, ERASE_ORDER_MAX).message(second=True))


def erase_order(stored, ledger):
    signed = Signed("erase", stored, ERASE_ORDER_MAX)
    value = cbor.fields(signed.value, {
        "cancels": data(32), "created": integer, "jobs": lambda jobs: jobs is None or cbor.items(4096, count_min=1)(jobs),
        "number": integer, "other": data(64), "safe": data(16), "signer": data(32)}, optional=("cancels", "other"))
    jobs = value["jobs"]
    demand(jobs is None or "cancels" not in value, "jobs in what takes an order back")
    for job in jobs or []:
        demand(cbor.items(2, count_min=2)(job) and data(16)(job[0]) and text(LABEL_MAX)(job[1]), "job to erase")
    keys = [(computer, name.encode()) for computer, name in jobs or []]
    demand(all(a < b for a, b in zip(keys, keys[1:])), "jobs not sorted")
    demand(value["safe"] == ledger.safe, "erase order of another safe")
    signed.demand_signature(value["signer"])
    ledger.demand_eraser(signed, erase_order_name(stored))
    return {"safe": value["safe"], "number": value["number"], "createdMs": value["created"],
            "jobs": jobs and [{"computer": computer, "job": name} for computer, name in jobs],
            **({"cancels": value["cancels"]} if "cancels" in value else {}),
            "signer": value["signer"], "other": value.get("other"), "digest": signed.digest}


def compaction_plan(stored, site_key):
    signed = Signed("plan", stored, 16 * 1024 * 1024)
    value = cbor.fields(signed.value, {"created": integer, "keep": cbor.items(2**24, count_min=1), "number": integer,
                                       "packs": lambda packs: integer(packs) and 0 < packs <= PLAN_PACKS_MAX,
                                       "safe": data(16)})
    for pack in value["keep"]:
        demand(cbor.items(2, count_min=2)(pack) and data(32)(pack[0]) and cbor.blob(pack[1]), "pack to keep")
        demand(0 < len(pack[1]) <= 8192 and pack[1][-1] != 0, "bitmap to keep")
    demand(len({name for name, _ in value["keep"]}) == len(value["keep"]), "pack twice")
    signed.demand_signature(site_key)
    return {"safe": value["safe"], "number": value["number"], "createdMs": value["created"],
            "keep": [{"pack": name, "bitmap": bitmap} for name, bitmap in value["keep"]], "packs": value["packs"],
            "digest": signed.digest}


