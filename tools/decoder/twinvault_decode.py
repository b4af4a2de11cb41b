#!/usr/bin/python3
"""Restores a safe from a vault's files and its password, recovery kit or escrow key, without Twinvault. See README.md beside this file."""

import argparse
import pathlib
import sys

try:
    import argon2, cryptography, zstandard  # noqa: F401, E401
except ImportError as error:
    sys.exit(f"{error}. On Debian: apt-get install python3-argon2 python3-cryptography python3-zstandard, and use /usr/bin/python3.")

from twinvault.keys import escrow_seed, text_of, use_words
from twinvault.output import Folder, write_listing
from twinvault.vault import Vault, WrongSecret
from twinvault.wire import Refused


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("vault", help="the directory of the vault")
    parser.add_argument("--safe", help="name or id of the safe; not needed where the vault has one")
    secret = parser.add_mutually_exclusive_group(required=True)
    secret.add_argument("--password-file", help="the password is the first line of this file")
    secret.add_argument("--kit-file", help="the recovery kit: the text or the PDF, or a file with the code or the 24 words alone")
    secret.add_argument("--escrow-file", help="the private half of an escrow key")
    parser.add_argument("--words", help="where the kit is given as words: the English list of BIP-39, a file of 2,048 lines")
    parser.add_argument("--safeset", default="latest", help='beginning of the id of a safeset or record, "latest" (default) or "all"')
    target = parser.add_mutually_exclusive_group(required=True)
    target.add_argument("--list", action="store_true", help="read everything and print one JSON object for each safeset")
    target.add_argument("--to", help="restore into this folder, which is new or empty")
    return parser.parse_args()


def secret_of(arguments):
    if arguments.kit_file is not None:
        use_words(arguments.words)
        return "kit", text_of(pathlib.Path(arguments.kit_file).read_bytes())
    if arguments.escrow_file is not None:
        return "escrow", escrow_seed(pathlib.Path(arguments.escrow_file).read_text("utf-8"))
    return "password", pathlib.Path(arguments.password_file).read_text("utf-8").split("\n")[0].rstrip("\r")


def only(found, what):
    if len(found) != 1:
        sys.exit(f"{len(found)} {what} fit; name one: {', '.join(name for name, _ in found)}")
    return found[0][1]


def main():
    arguments = parse_arguments()
    try:
        kind, secret = secret_of(arguments)
        safes = Vault(arguments.vault).safes()
        named = [safe for safe in safes if arguments.safe in (None, safe.label, safe.path.name)]
        safesets = only([(safe.label, safe) for safe in named], "safes").open(kind, secret).safesets()
        if arguments.safeset == "latest":
            safesets = safesets[-1:]
        elif arguments.safeset != "all":
            safesets = [one for one in safesets if any(
                digest.hex().startswith(arguments.safeset) for digest in (one.record.public["safeset"], one.record.digest))]
        if arguments.list:
            for safeset in safesets:
                write_listing(safeset)
            return 0
        chosen = only([(one.record.public["safeset"].hex()[:8], one) for one in safesets], "safesets")
        return 3 if Folder(arguments.to).write(chosen) else 0
    except WrongSecret:
        print("No key slot of this safe opens with this secret.", file=sys.stderr)
        return 5
    except OSError as error:
        print(error, file=sys.stderr)
        return 1
    except Refused as refused:
        print(f"Refused: {refused}", file=sys.stderr)
        return 4


if __name__ == "__main__":
    sys.exit(main())
