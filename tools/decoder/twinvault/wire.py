"""Reading bytes (docs/format/README.md, Conventions): every read is bounded, every form is the shortest one."""


class Refused(Exception):
    """What is read is not what the format allows. The text says what; nothing that was read is used."""


def demand(condition, defect):
    if not condition:
        raise Refused(defect)


class Reader:
    """Reads from the beginning of some bytes on."""

    def __init__(self, data):
        self.data = bytes(data)
        self.at = 0

    @property
    def left(self):
        return len(self.data) - self.at

    def take(self, count):
        demand(0 <= count <= self.left, "ends too soon")
        self.at += count
        return self.data[self.at - count:self.at]

    def uint(self, size):
        return int.from_bytes(self.take(size), "little")

    def u8(self):
        return self.uint(1)

    def u16(self):
        return self.uint(2)

    def u32(self):
        return self.uint(4)

    def u64(self):
        return self.uint(8)

    def varint(self):
        """Unsigned LEB128 in its shortest form, below 2^53."""
        value = shift = 0
        while True:
            byte = self.u8()
            value |= (byte & 0x7F) << shift
            demand(value < 2**53, "varint too large")
            if byte < 0x80:
                demand(byte != 0 or shift == 0, "varint not shortest")
                return value
            shift += 7
            demand(shift < 56, "varint too long")

    def svarint(self):
        """A varint of the zigzag form."""
        value = self.varint()
        return value // 2 if value % 2 == 0 else -(value + 1) // 2

    def end(self, what):
        demand(self.left == 0, f"bytes after {what}")


def u32(value):
    return value.to_bytes(4, "little")


def varint(value):
    """Unsigned LEB128 in its shortest form."""
    groups = [value >> shift & 0x7F for shift in range(0, max(value.bit_length(), 1), 7)]
    return bytes([group | 0x80 for group in groups[:-1]] + groups[-1:])


def u64(value):
    return value.to_bytes(8, "little")


def padme(length):
    """Padmé (arXiv:1806.03160): the length that a payload of this length is padded to."""
    if length < 2:
        return length
    exponent = length.bit_length() - 1
    mask = (1 << (exponent - exponent.bit_length())) - 1
    return (length + mask) & ~mask


ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def from_base32(text):
    """Crockford base32: case, hyphens and spaces do not count, I and L are 1, O is 0. Bits that are left over are zero."""
    value = bits = 0
    out = bytearray()
    for letter in text.upper().replace("-", "").replace(" ", ""):
        digit = ALPHABET.find({"I": "1", "L": "1", "O": "0"}.get(letter, letter))
        demand(digit >= 0, "not base32")
        value = (value << 5 | digit) & 0xFFFF
        bits += 5
        if bits >= 8:
            bits -= 8
            out.append(value >> bits & 0xFF)
    demand(bits < 5 and value & ((1 << bits) - 1) == 0, "base32 with bits left over")
    return bytes(out)


def to_base32(data):
    value = int.from_bytes(data, "big")
    digits = -(-len(data) * 8 // 5)
    value <<= digits * 5 - len(data) * 8
    return "".join(ALPHABET[value >> 5 * (digits - 1 - index) & 31] for index in range(digits))
