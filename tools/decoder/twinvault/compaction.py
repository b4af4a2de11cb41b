"""The packs that a compaction plan makes, as a pure function of it: docs/format/packs.md, Compaction plan."""

from .crypto import sha256
from .packs import NONE, ROWS_MAX, SECTIONS_MAX
from .records import positions_of
from .wire import demand, u32, u64

AIM = 16 * 2**20


class NewPack:
    """Rows of origins, in the order of the plan."""

    def __init__(self, header):
        self.first, self.rows, self.sections, self.kems = header, [], [], []
        self.blob_bytes = self.table_bytes = 0

    def size_with(self, origin, header, row):
        """(bytes of the whole pack, its sections) were this row taken."""
        new = not self.sections or self.sections[-1][0] != origin
        kem = len(self.kems) + (new and len(header.kem) > 0 and header.kem not in self.kems)
        sections = len(self.sections) + new
        blobs = self.blob_bytes + (0 if row.slip_only else row.length)
        table = self.table_bytes + 96 + len(row.slip)
        return len(self.first.bytes) + blobs + table + 2 + 1120 * kem + 114 * sections + 40, sections

    def add(self, origin, header, row):
        if not self.sections or self.sections[-1][0] != origin:
            self.sections.append((origin, header))
            if header.kem and header.kem not in self.kems:
                self.kems.append(header.kem)
        self.rows.append((len(self.sections) - 1, row))
        self.blob_bytes += 0 if row.slip_only else row.length
        self.table_bytes += 96 + len(row.slip)

    def finish(self, nonce):
        header = self.first.fixed[:44] + nonce + self.first.fixed[76:] + self.first.kem
        at, table, sources = len(header), b"", []
        for section, row in self.rows:
            offset = 0 if row.slip_only else at
            table += section.to_bytes(2, "little") + int(row.slip_only).to_bytes(2, "little") + u32(row.position)
            table += row.id + u32(offset) + u32(row.length) + row.salt + row.blob_hash + row.slip
            if not row.slip_only:
                sources.append({"origin": self.sections[section][0], "position": row.position, "offsetBytes": at,
                                "lengthBytes": row.length})
                at += row.length
        sections = len(self.kems).to_bytes(2, "little") + b"".join(self.kems)
        for origin, of in self.sections:
            index = self.kems.index(of.kem) if of.kem else NONE
            sections += origin + index.to_bytes(2, "little") + of.fixed
        trailer = u64(self.blob_bytes) + u32(len(header)) + u32(len(table)) + u32(len(self.rows)) + u32(len(sections))
        trailer += len(self.sections).to_bytes(2, "little") + bytes([1]) + bytes(5) + b"TVPKEND\n"
        tail = table + sections + trailer
        return {"name": sha256(header, tail), "header": header, "tail": tail, "rows": len(self.rows), "sources": sources}


def packs_of(plan, row_at):
    """`row_at(origin, position)`: the header of its section, and the row. The blobs between header and tail are those of `sources`."""
    packs = []
    for item in plan["keep"]:
        for position in positions_of(item["bitmap"]):
            header, row = row_at(item["pack"], position)
            open_pack = packs[-1] if packs and packs[-1].first.kind == header.kind else None
            if open_pack is not None:
                size, sections = open_pack.size_with(item["pack"], header, row)
                if size > AIM or len(open_pack.rows) == ROWS_MAX or sections > SECTIONS_MAX:
                    open_pack = None
            if open_pack is None:
                open_pack = NewPack(header)
                packs.append(open_pack)
            open_pack.add(item["pack"], header, row)
    demand(len(packs) == plan["packs"], "another number of packs than the plan says")
    return [pack.finish(sha256(b"twinvault v1 plan", plan["digest"], u32(index))) for index, pack in enumerate(packs)]
