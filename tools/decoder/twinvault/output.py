"""Where a safeset goes: a listing as JSON, or a folder."""

import hashlib
import json
import os
import sys

from .nodes import BLOCK, CHARACTER, DIRECTORY, FILE, LINK

FIFO, SOCKET = 4, 5


def plain(value):
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).hex()
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return value


def digest_of(safeset, content):
    """SHA-256 of the whole content, holes as zeros."""
    digest, at = hashlib.sha256(), 0
    for offset, data in safeset.content(content):
        digest.update(bytes(offset - at))
        digest.update(data)
        at = offset + len(data)
    digest.update(bytes(content["sizeBytes"] - at))
    return digest.digest()


def listing(safeset):
    """All that a safeset holds, contents by their digest; everything is read for it."""
    entries = []
    for entry in safeset.catalog.entries():
        extents = safeset.catalog.extents(entry)
        found = {key: item for key, item in entry.items() if key not in ("rope", "attributes", "extents", "streams")}
        found["streams"] = [{"name": stream["name"], "sizeBytes": stream["sizeBytes"], "sha256": digest_of(safeset, stream)}
                            for stream in entry["streams"]]
        if entry["type"] == FILE:
            found["extents"], found["sha256"] = extents, digest_of(safeset, entry)
        entries.append(found)
    safeset.check_refs()
    record = safeset.record
    return plain({"record": record.digest, "suite": record.suite, "public": record.public, "part": safeset.part,
                  "stateRows": len(safeset.state), "entries": entries})


def write_listing(safeset):
    print(json.dumps(listing(safeset)))


class Folder:
    """Writes below a folder that is new or empty. What this system or user cannot set is told and left out."""

    def __init__(self, root):
        self.root, self.untold = os.fsencode(root), 0
        os.makedirs(self.root, exist_ok=True)
        if os.listdir(self.root):
            raise FileExistsError(f"{root} is not empty")

    def path_of(self, entry):
        parts = entry["directory"].split(b"\0") if entry["directory"] else []
        return os.path.join(self.root, *parts, entry["name"])

    def write(self, safeset):
        first, folders = {}, []
        for entry in safeset.catalog.entries():
            path, kind = self.path_of(entry), entry["type"]
            os.makedirs(os.path.dirname(path), exist_ok=True)
            group = entry["hardlink"] and tuple(entry["hardlink"].values())
            if group in first:
                safeset.catalog.extents(entry)
                os.link(first[group], path, follow_symlinks=False)
                continue
            if kind == DIRECTORY:
                os.makedirs(path, exist_ok=True)
                folders.append((path, entry))
            elif kind == FILE:
                self._file(path, safeset, entry)
            elif entry["link"] is not None:
                os.symlink(entry["link"], path)
            elif not self._try(path, lambda: self._node(path, entry)):
                continue
            if group is not None:
                first[group] = path
            if kind != DIRECTORY and os.path.lexists(path):
                self._finish(path, entry)
        for path, entry in reversed(folders):
            self._finish(path, entry)
        safeset.check_refs()
        return self.untold

    def _file(self, path, safeset, entry):
        with open(path, "xb") as file:
            for offset, data in safeset.content(entry):
                file.seek(offset)
                file.write(data)
            file.truncate(entry["sizeBytes"])
        for stream in entry["streams"]:
            self._tell(path, "a stream")
            for _ in safeset.content(stream):
                pass

    def _node(self, path, entry):
        import stat
        kinds = {FIFO: stat.S_IFIFO, SOCKET: stat.S_IFSOCK, CHARACTER: stat.S_IFCHR, BLOCK: stat.S_IFBLK}
        device = entry["device"] or {"major": 0, "minor": 0}
        os.mknod(path, kinds[entry["type"]] | 0o600, os.makedev(device["major"], device["minor"]))

    def _finish(self, path, entry):
        """Owner before mode, since changing it takes marks away; times last."""
        steps = [lambda: os.chown(path, entry["uid"], entry["gid"], follow_symlinks=False)] if os.geteuid() == 0 else []
        if entry["type"] != LINK:
            steps.append(lambda: os.chmod(path, entry["mode"]))
        kinds = {"posix-access": "system.posix_acl_access", "posix-default": "system.posix_acl_default"}
        for acl in entry["acls"]:
            steps.append(lambda acl=acl: os.setxattr(path, kinds[acl["kind"]], acl["value"], follow_symlinks=False))
        for xattr in entry["xattrs"]:
            steps.append(lambda xattr=xattr: os.setxattr(path, xattr["name"], xattr["value"], follow_symlinks=False))
        nanos = entry["mtimeSeconds"] * 10**9 + entry["mtimeNanos"]
        steps.append(lambda: os.utime(path, ns=(nanos, nanos), follow_symlinks=False))
        for step in steps:
            self._try(path, step)

    def _try(self, path, step):
        try:
            step()
            return True
        except (OSError, KeyError) as error:
            self._tell(path, str(error))
            return False

    def _tell(self, path, what):
        self.untold += 1
        print(f"{os.fsdecode(path)!r}: left out: {what}", file=sys.stderr)
