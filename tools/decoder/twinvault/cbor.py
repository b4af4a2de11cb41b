"""Deterministic CBOR (RFC 8949 section 4.2.1), as narrow as docs/format/README.md wants it."""

from .wire import Reader, Refused, demand

DEPTH_MAX = 8


def decode(data):
    reader = Reader(data)
    value = _item(reader, 0)
    reader.end("the item")
    return value


def _head(reader):
    first = reader.u8()
    major, short = first >> 5, first & 31
    if short < 24:
        return major, short, short
    demand(short < 28, "indefinite or reserved length")
    size = 1 << (short - 24)
    value = int.from_bytes(reader.take(size), "big")
    if major != 7:
        demand(value >= (24, 2**8, 2**16, 2**32)[short - 24], "not in its shortest form")
    return major, value, short


def _item(reader, depth):
    major, value, short = _head(reader)
    if major < 2:
        demand(value < 2**53 - major, "integer too large")
        return value if major == 0 else -1 - value
    if major == 2:
        return reader.take(value)
    if major == 3:
        try:
            return reader.take(value).decode("utf-8")
        except UnicodeDecodeError:
            raise Refused("text is not UTF-8") from None
    if major in (4, 5):
        demand(depth < DEPTH_MAX, "too deep")
        demand(value * (major - 3) <= reader.left, "more items than bytes")
        return _list(reader, value, depth) if major == 4 else _map(reader, value, depth)
    demand(major == 7 and short in (20, 21, 22), "tag, float or simple value")
    return {20: False, 21: True, 22: None}[short]


def _list(reader, count, depth):
    return [_item(reader, depth + 1) for _ in range(count)]


def _map(reader, count, depth):
    found, last = {}, b""
    for _ in range(count):
        start = reader.at
        major = reader.data[start] >> 5 if reader.left else 7
        demand(major in (0, 3), "kind of a key")
        key = _item(reader, depth + 1)
        encoded = reader.data[start:reader.at]
        demand(encoded > last, "order of keys")
        last = encoded
        found[key] = _item(reader, depth + 1)
    return found


def encode(value):
    """Of maps with text keys, lists, bytes, text, unsigned integers, booleans and null: all that is signed or hashed."""
    if value is None or isinstance(value, bool):
        return {None: b"\xf6", True: b"\xf5", False: b"\xf4"}[value]
    if isinstance(value, int):
        return _start(0, value) if value >= 0 else _start(1, -1 - value)
    if isinstance(value, bytes):
        return _start(2, len(value)) + value
    if isinstance(value, str):
        data = value.encode("utf-8")
        return _start(3, len(data)) + data
    if isinstance(value, list):
        return _start(4, len(value)) + b"".join(map(encode, value))
    pairs = sorted((encode(key), encode(item)) for key, item in value.items())
    return _start(5, len(pairs)) + b"".join(key + item for key, item in pairs)


def _start(major, value):
    if value < 24:
        return bytes([major << 5 | value])
    size = next(size for size in (1, 2, 4, 8) if value < 256**size)
    return bytes([major << 5 | {1: 24, 2: 25, 4: 26, 8: 27}[size]]) + value.to_bytes(size, "big")


# What the values of a map may be. Each takes a value and says whether it fits.

def integer(value):
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def signed(value):
    return isinstance(value, int) and not isinstance(value, bool)


def boolean(value):
    return isinstance(value, bool)


def data(size):
    return lambda value: isinstance(value, bytes) and len(value) == size


def blob(value):
    return isinstance(value, bytes)


def text(size_max, size_min=1):
    return lambda value: isinstance(value, str) and size_min <= len(value.encode("utf-8")) <= size_max


def one_of(*values):
    return lambda value: not isinstance(value, bool) and value in values


def items(count_max, fits=None, count_min=0):
    return lambda value: (
        isinstance(value, list) and count_min <= len(value) <= count_max and (fits is None or all(map(fits, value)))
    )


def anything(value):
    return True


def fields(value, expected, optional=()):
    """The map itself, when it has exactly these keys and their values fit; keys of `optional` may be missing."""
    demand(isinstance(value, dict), "not a map")
    demand(all(key in expected for key in value), "unknown key")
    demand(all(key in value or key in optional for key in expected), "key missing")
    demand(all(expected[key](item) for key, item in value.items()), "value of a key")
    return value
