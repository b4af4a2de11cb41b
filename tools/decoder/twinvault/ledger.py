"""The ledger of a safe, replayed: docs/format/keys.md, Ledger."""

from . import cbor
from .cbor import boolean, data, integer, items, one_of, text
from .crypto import KEM_PUBLIC_BYTES, verify
from .objects import LABEL_MAX, Signed, safe_descriptor, safe_id_of
from .wire import demand

LABEL, NOTE = text(LABEL_MAX), text(4096, 0)
MARK = {"note": NOTE, "on": boolean, "record": data(32)}
HEAD = {"digest": data(32), "number": integer, "root": data(32)}
EPOCH = lambda value: integer(value) and 0 < value < 2**32
PAYLOADS = {
    "epoch": {"epoch": EPOCH, "key": data(KEM_PUBLIC_BYTES)},
    "slots": {"slots": items(16, data(32), 1)},
    "certificate": {"agent": data(32), "certificate": data(16), "computer": data(16), "name": LABEL,
                    "seal": data(KEM_PUBLIC_BYTES)},
    "revocation": {"certificate": data(16), "last": items(1024, items(3, count_min=3)), "suspect": items(1024, data(32))},
    "handover": {"certificate": data(16), "computer": data(16), "job": LABEL},
    "escrow": {"key": data(KEM_PUBLIC_BYTES), "name": LABEL},
    "succession": {"root": data(32), "safe": data(16), "signature": data(64)},
    "admission": {"certificate": data(16), "package": data(1200)},
    "successor": {"ledger": cbor.anything, "root": data(32), "safe": data(16)},
    "party": {"key": data(32), "name": LABEL, "role": one_of("site", "operator", "customer")},
    "suite": {"minimum": one_of(1, 2)},
    "feature": {"name": LABEL, "on": boolean},
    "retention": {"copies": integer, "days": integer, "intraday": boolean, "type": LABEL},
    "hold": MARK, "lock": MARK, "flag": MARK,
    "home": {"epoch": EPOCH, "other": data(64), "site": data(16)},
    "erase": {"order": data(32), "other": data(64)},
}
ROOT_KINDS = ("epoch", "slots", "certificate", "revocation", "handover", "escrow", "succession", "admission", "successor",
              "party", "suite", "feature")


class Ledger:
    """Every entry is checked before it changes anything: chain, signature, the signer's right, and what replay refuses."""

    def __init__(self, descriptor, entries=()):
        self.descriptor = safe_descriptor(descriptor)
        self.safe, self.root_key = self.descriptor["safe"], self.descriptor["rootKey"]
        digest = self.descriptor["digest"]
        self.heads = [{"number": 0, "digest": digest, "root": digest}]
        self.epochs, self.slots, self.certificates, self.revocations, self.handovers = [], [], {}, {}, []
        self.parties, self.minimums, self.features, self.home_epoch = {}, [self.descriptor["suite"]], {}, 0
        self.successor, self.party_history, self.erases = None, [], {}
        for entry in entries:
            self.append(entry)

    @property
    def head(self):
        return self.heads[-1]

    def append(self, stored):
        signed = Signed("ledger", stored)
        entry = cbor.fields(signed.value, {"created": integer, "kind": one_of(*PAYLOADS), "number": integer,
                                           "payload": cbor.anything, "previous": data(32), "root": data(32),
                                           "safe": data(16), "signer": data(32)})
        kind, signer, head = entry["kind"], entry["signer"], self.head
        payload = cbor.fields(entry["payload"], PAYLOADS[kind], optional=("other",) if kind == "erase" else ())
        signed.demand_signature(signer)
        demand(entry["safe"] == self.safe, "ledger entry of another safe")
        demand(entry["number"] == head["number"] + 1, "number does not follow")
        demand(entry["previous"] == head["digest"], "previous is another entry")
        demand(entry["root"] == head["root"], "root is another entry")
        self._demand_right(signed, kind, signer, payload)
        minimum = self.minimums[-1]
        self._apply(kind, payload)
        if len(self.minimums) == len(self.heads):
            self.minimums.append(minimum)
        root = signed.digest if signer == self.root_key else head["root"]
        self.heads.append({"number": entry["number"], "digest": signed.digest, "root": root})
        return {"safe": self.safe, "number": entry["number"], "previous": entry["previous"], "root": entry["root"],
                "createdMs": entry["created"], "signer": signer, "kind": kind, "payload": payload, "digest": signed.digest}

    def _demand_right(self, signed, kind, signer, payload):
        if kind in ROOT_KINDS:
            demand(signer == self.root_key, "the root alone signs this kind")
            if kind == "succession":
                demand(safe_id_of(payload["root"]) == payload["safe"], "safe of another root")
                message = b"twinvault succession v1" + payload["safe"] + self.root_key
                demand(verify(payload["root"], message, payload["signature"]), "not signed by the safe before")
            if kind == "successor":
                cbor.fields(payload["ledger"], HEAD)
                demand(safe_id_of(payload["root"]) == payload["safe"], "safe of another root")
                demand(payload["safe"] != self.safe, "its own successor")
        elif kind == "erase" and signer == self.root_key:
            demand("other" not in payload, "a second signature beside the root")
        elif kind in ("home", "erase"):
            demand(self._is(signer, "operator"), "not an operator")
            demand("other" in payload and self._second_signed(signed, signer, payload), "no second operator")
        else:
            demand(self._is(signer, "operator", "customer"), "neither operator nor customer")

    def _is(self, key, *roles):
        return self.parties.get(key) in roles

    def _second_signed(self, signed, signer, payload):
        """`other` stands in the payload: the second signature is over the body whose payload lacks it."""
        short = {key: value for key, value in payload.items() if key != "other"}
        body = cbor.encode({**signed.value, "payload": short})
        message = b"twinvault ledger second v1\0" + signed.header + body
        others = [key for key in self.parties if key != signer and self._is(key, "operator")]
        return any(verify(key, message, payload["other"]) for key in others)

    def _operators(self, since, until):
        """Who was an operator when entry `since` was the newest, or became one by an entry up to `until`."""
        found = set()
        for number, key, role in self.party_history:
            if number <= until and role == "operator":
                found.add(key)
            elif number <= since:
                found.discard(key)
        return found

    def demand_eraser(self, signed, name):
        """Who signed an erase order: the root, or two operators of the moment at which the ledger named it; to take one back, or since."""
        signer, other = signed.value["signer"], signed.value.get("other")
        if signer == self.root_key:
            demand(other is None, "a second signature beside the root")
            return
        now, cancels = self.head["number"], signed.value.get("cancels")
        named = self.erases.get(name if cancels is None else cancels, now)
        operators = self._operators(named, named if cancels is None else now)
        demand(signer in operators, "not an operator")
        demand(other is not None and signed.has_second(operators - {signer}), "no second operator")

    def _apply(self, kind, payload):
        if kind == "epoch":
            demand(payload["epoch"] == len(self.epochs) + 1, "epoch does not follow")
            self.epochs.append(payload["key"])
        elif kind == "slots":
            demand(len(set(payload["slots"])) == len(payload["slots"]), "slot twice")
            self.slots = payload["slots"]
        elif kind == "certificate":
            demand(payload["certificate"] not in self.certificates, "certificate twice")
            self.certificates[payload["certificate"]] = {**payload, "number": self.head["number"] + 1}
        elif kind == "revocation":
            self._demand_standing(payload["certificate"])
            last, suspect = payload["last"], payload["suspect"]
            demand(all(data(16)(c) and LABEL(job) and data(32)(record) for c, job, record in last), "last record")
            keys = [(computer, job.encode()) for computer, job, _ in last]
            demand(all(a < b for a, b in zip(keys, keys[1:])), "last records not sorted")
            demand(len(set(suspect)) == len(suspect), "session twice")
            self.revocations[payload["certificate"]] = {(computer, job): record for computer, job, record in last}
        elif kind == "handover":
            self._demand_standing(payload["certificate"])
            self.handovers.append((payload["certificate"], payload["computer"], payload["job"]))
        elif kind == "admission":
            self._demand_standing(payload["certificate"])
        elif kind == "successor":
            demand(self.successor is None, "successor twice")
            self.successor = payload["safe"]
        elif kind == "party":
            self.parties[payload["key"]] = payload["role"]
            self.party_history.append((self.head["number"] + 1, payload["key"], payload["role"]))
        elif kind == "erase":
            self.erases.setdefault(payload["order"], self.head["number"] + 1)
        elif kind == "suite":
            demand(payload["minimum"] >= self.minimums[-1], "minimum suite goes down")
            self.minimums.append(payload["minimum"])
        elif kind == "feature":
            self.features[payload["name"]] = payload["on"]
        elif kind == "home":
            demand(payload["epoch"] == self.home_epoch + 1, "home epoch does not follow")
            self.home_epoch = payload["epoch"]

    def _demand_standing(self, certificate):
        demand(certificate in self.certificates, "certificate not known")
        demand(certificate not in self.revocations, "certificate revoked before")

    def demand_known_features(self):
        """This reader knows no feature; one that is on makes it stop."""
        demand(not any(self.features.values()), "a feature is on that this reader does not know")

    def names_job(self, certificate, computer, job):
        known = self.certificates.get(certificate)
        own = known is not None and known["computer"] == computer
        return own or (known is not None and (certificate, computer, job) in self.handovers)
