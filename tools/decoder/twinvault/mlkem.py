"""ML-KEM-768 (FIPS 203), written out: key generation from a seed, and decapsulation. The numbers name its algorithms."""

import hashlib

N, Q, K, ETA, DU, DV = 256, 3329, 3, 2, 10, 4
PUBLIC_BYTES, CIPHERTEXT_BYTES = 384 * K + 32, 32 * (DU * K + DV)


def _reversed7(value):
    return int(f"{value:07b}"[::-1], 2)


ZETAS = [pow(17, _reversed7(i), Q) for i in range(128)]
GAMMAS = [pow(17, 2 * _reversed7(i) + 1, Q) for i in range(128)]


def _ntt(f):  # 9
    f, i, length = list(f), 1, 128
    while length >= 2:
        for start in range(0, N, 2 * length):
            zeta, i = ZETAS[i], i + 1
            for j in range(start, start + length):
                t = zeta * f[j + length] % Q
                f[j + length] = (f[j] - t) % Q
                f[j] = (f[j] + t) % Q
        length //= 2
    return f


def _inverse_ntt(f):  # 10
    f, i, length = list(f), 127, 2
    while length <= 128:
        for start in range(0, N, 2 * length):
            zeta, i = ZETAS[i], i - 1
            for j in range(start, start + length):
                t = f[j]
                f[j] = (t + f[j + length]) % Q
                f[j + length] = zeta * (f[j + length] - t) % Q
        length *= 2
    return [value * 3303 % Q for value in f]


def _multiply(f, g):  # 11 and 12
    out = [0] * N
    for i in range(128):
        a0, a1, b0, b1 = f[2 * i], f[2 * i + 1], g[2 * i], g[2 * i + 1]
        out[2 * i] = (a0 * b0 + a1 * b1 % Q * GAMMAS[i]) % Q
        out[2 * i + 1] = (a0 * b1 + a1 * b0) % Q
    return out


def _add(f, g):
    return [(a + b) % Q for a, b in zip(f, g)]


def _subtract(f, g):
    return [(a - b) % Q for a, b in zip(f, g)]


def _encode(d, f):  # 5
    value = 0
    for index, number in enumerate(f):
        value |= number << d * index
    return value.to_bytes(32 * d, "little")


def _decode(d, data):  # 6
    value, mask = int.from_bytes(data, "little"), (1 << d) - 1
    return [(value >> d * index & mask) % (Q if d == 12 else 1 << d) for index in range(N)]


def _compress(d, f):
    return [((number << d + 1) + Q) // (2 * Q) % (1 << d) for number in f]


def _decompress(d, f):
    return [(number * 2 * Q + (1 << d)) >> d + 1 for number in f]


def _sample_ntt(seed):  # 7: SHAKE128 gives three bytes for each two candidates
    out, need = [], 840
    while len(out) < N:
        stream, out = hashlib.shake_128(seed).digest(need), []
        for a, b, c in zip(stream[::3], stream[1::3], stream[2::3]):
            out += [d for d in (a + 256 * (b % 16), b // 16 + 16 * c) if d < Q]
        need *= 2
    return out[:N]


def _sample_cbd(data):  # 8, eta = 2
    bits = int.from_bytes(data, "little")
    counts = [(bits >> 2 * i & 1) + (bits >> 2 * i + 1 & 1) for i in range(2 * N)]
    return [(counts[2 * i] - counts[2 * i + 1]) % Q for i in range(N)]


def _noise(seed, number):
    return _sample_cbd(hashlib.shake_256(seed + bytes([number])).digest(64 * ETA))


def _matrix(rho):
    return [[_sample_ntt(rho + bytes([j, i])) for j in range(K)] for i in range(K)]


def _sum(products):
    total = [0] * N
    for product in products:
        total = _add(total, product)
    return total


def keygen(d, z):  # 13 and 16
    """(public key of 1184 bytes, private key of 2400 bytes)."""
    seeds = hashlib.sha3_512(d + bytes([K])).digest()
    rho, sigma = seeds[:32], seeds[32:]
    matrix = _matrix(rho)
    s = [_ntt(_noise(sigma, i)) for i in range(K)]
    e = [_ntt(_noise(sigma, K + i)) for i in range(K)]
    t = [_add(_sum(_multiply(matrix[i][j], s[j]) for j in range(K)), e[i]) for i in range(K)]
    public = b"".join(_encode(12, row) for row in t) + rho
    return public, b"".join(_encode(12, row) for row in s) + public + hashlib.sha3_256(public).digest() + z


def _encrypt(public, message, randomness):  # 14
    t = [_decode(12, public[384 * i:384 * (i + 1)]) for i in range(K)]
    matrix = _matrix(public[384 * K:])
    y = [_ntt(_noise(randomness, i)) for i in range(K)]
    e1 = [_noise(randomness, K + i) for i in range(K)]
    e2 = _noise(randomness, 2 * K)
    u = [_add(_inverse_ntt(_sum(_multiply(matrix[j][i], y[j]) for j in range(K))), e1[i]) for i in range(K)]
    v = _add(_add(_inverse_ntt(_sum(_multiply(t[j], y[j]) for j in range(K))), e2), _decompress(1, _decode(1, message)))
    return b"".join(_encode(DU, _compress(DU, row)) for row in u) + _encode(DV, _compress(DV, v))


def _decrypt(private, ciphertext):  # 15
    u = [_decompress(DU, _decode(DU, ciphertext[32 * DU * i:32 * DU * (i + 1)])) for i in range(K)]
    v = _decompress(DV, _decode(DV, ciphertext[32 * DU * K:]))
    s = [_decode(12, private[384 * i:384 * (i + 1)]) for i in range(K)]
    w = _subtract(v, _inverse_ntt(_sum(_multiply(s[i], _ntt(u[i])) for i in range(K))))
    return _encode(1, _compress(1, w))


def decapsulate(private, ciphertext):  # 18
    """The shared secret of 32 bytes. A ciphertext that does not fit gives another secret, never an error."""
    public, digest, z = private[384 * K:768 * K + 32], private[768 * K + 32:768 * K + 64], private[768 * K + 64:]
    message = _decrypt(private[:384 * K], ciphertext)
    both = hashlib.sha3_512(message + digest).digest()
    rejected = hashlib.shake_256(z + ciphertext).digest(32)
    return both[:32] if _encrypt(public, message, both[32:]) == ciphertext else rejected


def public_key_fits(public):
    """The check of section 7.2: the right length, and no coefficient above the modulus."""
    if len(public) != PUBLIC_BYTES:
        return False
    return all(_encode(12, _decode(12, public[384 * i:384 * (i + 1)])) == public[384 * i:384 * (i + 1)] for i in range(K))
