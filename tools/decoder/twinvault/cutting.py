"""Where content is cut: docs/format/cutting.md. No reader needs it; it shows that the page suffices for a writer that finds the same chunks."""

from .crypto import sha256, siphash24

CHUNK_MIN, CHUNK_MAX, WINDOW, THRESHOLD = 262_144, 4_194_304, 32, 1_398_101
GEAR = [int.from_bytes(sha256(b"twinvault gear v1", bytes([byte]))[:4], "little") for byte in range(256)]


def cuts(cutter_key, data):
    """The end of each chunk of one run of data."""
    found, start = [], 0
    while start < len(data):
        start = _cut(cutter_key, data, start)
        found.append(start)
    return found


def _cut(cutter_key, data, start):
    end, gear = min(start + CHUNK_MAX, len(data)), GEAR
    first = start + CHUNK_MIN - 1
    if first >= end:
        return end
    value = 0
    for byte in data[first - WINDOW + 1:first]:
        value = (value * 2 + gear[byte]) & 0xFFFFFFFF
    for at in range(first, end):
        value = (value * 2 + gear[data[at]]) & 0xFFFFFFFF
        if value < 1 << 24 and siphash24(cutter_key, data[at - WINDOW + 1:at + 1]) >> 32 < THRESHOLD:
            return at + 1
    return end
