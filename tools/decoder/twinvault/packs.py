"""Chunks, blobs, slips and packs: docs/format/packs.md."""

from .crypto import KEM_CIPHERTEXT_BYTES, ZERO_NONCE, hkdf, hmac, open_sealed, same, sealed_length, sha256, unzstd
from .keys import STATE
from .wire import Reader, demand, padme, u32

PLAINTEXT_MAX, PACK_MAX, ROWS_MAX, SECTIONS_MAX = 16 * 2**20, 32 * 2**20, 65536, 4096
NONE = 0xFFFF


class PackHeader:
    """The 80 fixed bytes, and the KEM ciphertext where there is one."""

    def __init__(self, fixed, kem):
        reader = Reader(fixed)
        demand(reader.take(4) == b"TVPK", "magic")
        demand(reader.u8() == 1, "version unknown")
        self.suite, self.kind = reader.u8(), reader.u8()
        demand(self.suite in (1, 2), "suite unknown")
        demand(self.kind in (1, 2, 3), "kind")
        demand(reader.u8() == 0, "header not zero")
        self.safe, self.epoch, self.certificate = reader.take(16), reader.u32(), reader.take(16)
        self.nonce, length = reader.take(32), reader.u16()
        demand(reader.u16() == 0, "header not zero")
        is_state = self.kind == STATE
        demand(length == (0 if is_state else KEM_CIPHERTEXT_BYTES) and len(kem) == length, "length of the KEM ciphertext")
        demand((self.epoch == 0) == is_state, "key epoch")
        self.fixed, self.kem = fixed, kem

    @property
    def bytes(self):
        return self.fixed + self.kem

    def key(self, session_secret):
        """The pack key. `session_secret`: of state packs the computer's state key."""
        return hkdf(session_secret, sha256(self.bytes), b"twinvault v1 pack" + bytes([self.kind]), 32)


class Row:
    def __init__(self, reader, suites):
        self.section, flags, self.position = reader.u16(), reader.u16(), reader.u32()
        self.id, self.offset, self.length = reader.take(32), reader.u32(), reader.u32()
        self.salt, self.blob_hash = reader.take(16), reader.take(32)
        demand(self.section < len(suites), "order of sections")
        demand(flags < 2, "flags")
        self.slip_only = flags == 1
        self.slip = reader.take(sealed_length(suites[self.section], 32))
        demand(0 < self.length <= PACK_MAX, "length of a blob")


class Pack:
    """A pack that holds together: name, lengths, sections, rows, and the hash of each blob."""

    def __init__(self, name, stored, safe):
        demand(len(stored) <= PACK_MAX, "pack too large")
        self.name, self.stored = name, stored
        demand(len(stored) >= 40, "trailer missing")
        trailer = Reader(stored[-40:])
        blobs, header, table = trailer.u64(), trailer.u32(), trailer.u32()
        self.row_count, sections, section_count = trailer.u32(), trailer.u32(), trailer.u16()
        demand(trailer.u8() == 1, "version unknown")
        demand(trailer.take(5) == bytes(5) and trailer.take(8) == b"TVPKEND\n", "magic of the trailer")
        demand(0 < self.row_count <= ROWS_MAX and 0 < section_count <= SECTIONS_MAX, "number of rows or sections")
        demand(header + blobs + table + sections + 40 == len(stored), "lengths do not add up")
        ends = Reader(stored)
        header_bytes = ends.take(header)
        self.header = PackHeader(header_bytes[:80], header_bytes[80:])
        demand(self.header.safe == safe, "another safe")
        ends.take(blobs)
        table_bytes, section_bytes = ends.take(table), ends.take(sections)
        demand(sha256(header_bytes, table_bytes, section_bytes, stored[-40:]) == name, "another name")
        self.lengths = {"blobsBytes": blobs, "headerBytes": header, "tailBytes": table + sections + 40,
                        "packBytes": len(stored)}
        self.sections = self._read_sections(Reader(section_bytes), section_count)
        self.rows = self._read_rows(Reader(table_bytes))
        self._check_blobs(header, blobs)

    def _read_sections(self, reader, count):
        kems = [reader.take(KEM_CIPHERTEXT_BYTES) for _ in range(reader.u16())]
        found, used = [], []
        for _ in range(count):
            origin, index, fixed = reader.take(32), reader.u16(), reader.take(80)
            if origin == bytes(32):
                demand(index == NONE and fixed == bytes(80), "section of this pack")
                demand(count == 1, "own section among others")
                found.append((self.name, self.header))
                continue
            demand(index == NONE or index < len(kems), "index of a KEM ciphertext")
            header = PackHeader(fixed, b"" if index == NONE else kems[index])
            demand(header.kind == self.header.kind and header.safe == self.header.safe, "kinds or safes mixed")
            if index != NONE and index not in used:
                used.append(index)
            found.append((origin, header))
        reader.end("the sections")
        demand(used == list(range(len(kems))) and len(set(kems)) == len(kems), "order of KEM ciphertexts")
        demand(len({origin for origin, _ in found}) == count, "origin twice")
        if found[0][1] is not self.header:
            ours, first = self.header, found[0][1]
            repeats = ours.fixed[:44] == first.fixed[:44] and ours.fixed[76:] == first.fixed[76:] and ours.kem == first.kem
            demand(repeats, "header is not the first section’s")
        return found

    @property
    def is_fresh(self):
        return self.sections[0][1] is self.header

    def _read_rows(self, reader):
        suites = [header.suite for _, header in self.sections]
        rows = [Row(reader, suites) for _ in range(self.row_count)]
        reader.end("the last row")
        places = [(row.section, row.position) for row in rows]
        demand(all(a < b for a, b in zip(places, places[1:])), "order of positions")
        demand(all(row.position < ROWS_MAX for row in rows), "order of positions")
        demand({row.section for row in rows} == set(range(len(self.sections))), "section without rows")
        if self.is_fresh:
            demand([row.position for row in rows] == list(range(len(rows))), "position is not the row number")
            demand(all(a.id < b.id for a, b in zip(rows, rows[1:])), "order of ids")
        return rows

    def _check_blobs(self, start, length):
        at = start
        for row in self.rows:
            demand(row.offset == (0 if row.slip_only else at), "gap between blobs")
            if row.slip_only:
                continue
            at += row.length
            demand(at <= start + length, "blob beyond the blobs")
            demand(same(sha256(self.blob(row)), row.blob_hash), "hash of a blob")
        demand(at == start + length, "length of the blobs")

    def blob(self, row):
        return self.stored[row.offset:row.offset + row.length]


def secret_and_id(keys, plaintext):
    """m and the chunk id."""
    m = hmac(keys.content, bytes([keys.kind]), plaintext)
    return m, hmac(keys.id, m)


def blob_key(suite, m, salt):
    return hmac(m, b"blob", bytes([suite]), salt)


def open_slip(pack_key, suite, row):
    """K of the row's blob."""
    key = open_sealed(suite, pack_key, u32(row.position) + bytes(8), row.id + row.blob_hash, row.slip)
    demand(key is not None and len(key) == 32, "slip damaged")
    return key


def open_blob(suite, key, place, blob):
    """The payload. `place`: safe id, kind, chunk id."""
    safe, kind, chunk = place
    payload = open_sealed(suite, key, ZERO_NONCE, b"TVBL" + bytes([1, suite]) + safe + bytes([kind]) + chunk, blob)
    demand(payload is not None, "blob damaged")
    return payload


def decode_payload(payload):
    reader = Reader(payload)
    codec, length, data_length = reader.u8(), reader.u32(), reader.u32()
    demand(codec in (0, 1), "codec")
    demand(length <= PLAINTEXT_MAX, "plaintext too long")
    demand(data_length <= reader.left and len(payload) == padme(9 + data_length), "length")
    data, padding = reader.take(data_length), reader.take(reader.left)
    demand(padding == bytes(len(padding)), "padding")
    plaintext = data if codec == 0 else unzstd(data, length)
    demand(plaintext is not None and len(plaintext) == length, "raw length, or compressed data")
    return plaintext


def open_chunk(suite, key, keys, safe, chunk, blob):
    """The plaintext of a chunk, its id checked."""
    plaintext = decode_payload(open_blob(suite, key, (safe, keys.kind, chunk), blob))
    demand(same(secret_and_id(keys, plaintext)[1], chunk), "id does not fit the content")
    return plaintext
