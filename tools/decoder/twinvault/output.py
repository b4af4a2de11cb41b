"""Where a safeset goes: a listing as JSON, or a folder."""

import hashlib
import json
import os
import stat
import sys

from .nodes import BLOCK, CHARACTER, DIRECTORY, FILE, LINK, length_of

FIFO, SOCKET = 4, 5


def plain(value):
    """As JSON has it: bytes are hexadecimal, long ones are told by their digest."""
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).hex() if len(value) <= 256 else "sha256:" + hashlib.sha256(value).hexdigest()
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
        found = {key: item for key, item in entry.items() if key not in ("rope", "attributes", "extents", "extras", "streams")}
        found["streams"] = [{"name": stream["name"], "sizeBytes": stream["sizeBytes"], "sha256": digest_of(safeset, stream)}
                            for stream in entry["streams"]]
        if entry["type"] == FILE:
            found["extents"], found["sha256"] = extents, digest_of(safeset, entry)
        entries.append(found)
    safeset.check_refs()
    record = safeset.record
    return plain({"record": record.digest, "suite": record.suite, "public": record.public, "part": safeset.part,
                  "entries": entries})


def write_listing(safeset):
    print(json.dumps(listing(safeset)))


class Folder:
    """Writes below a folder that is new or empty. What this system or user cannot set is told and left out."""

    def __init__(self, root):
        os.makedirs(root, exist_ok=True)
        if os.listdir(root):
            raise FileExistsError(f"{root} is not empty")
        self.root = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
        self.untold, self._open = 0, (b"", os.dup(self.root))

    def _parent(self, directory):
        """The open folder; only one is open at a time, since the entries of a folder are neighbours. Links are not followed."""
        known, fd = self._open
        if known != directory:
            os.close(fd)
            fd = os.dup(self.root)
            for name in directory.split(b"\0") if directory else []:
                try:
                    os.mkdir(name, dir_fd=fd)
                except FileExistsError:
                    pass
                inner = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=fd)
                os.close(fd)
                fd = inner
            self._open = (directory, fd)
        return fd

    def _place(self, entry):
        """A path for the system: paths of catalogs may be longer than it takes."""
        return b"/proc/self/fd/%d/" % self._parent(entry["directory"]) + entry["name"]

    def write(self, safeset):
        first, folders = {}, []
        for entry in safeset.catalog.entries():
            path, kind = self._place(entry), entry["type"]
            group = entry["hardlink"] and tuple(entry["hardlink"].values())
            if group in first:
                self._link(first[group], path, safeset, entry)
                continue
            if kind == DIRECTORY:
                self._try(entry, lambda: os.path.isdir(path) or os.mkdir(path))
                folders.append(entry)
            elif kind == FILE:
                if not self._file(path, safeset, entry):
                    continue
            elif entry["link"] is not None:
                os.symlink(entry["link"], path)
            elif not self._try(entry, lambda: self._node(path, entry)):
                continue
            if group is not None:
                first[group] = entry
            if kind != DIRECTORY:
                self._finish(entry)
        for entry in reversed(folders):
            self._finish(entry)
        safeset.check_refs()
        return self.untold

    def _link(self, earlier, path, safeset, entry):
        """Another name of an inode that stands already; what it holds is checked all the same."""
        for _ in safeset.content(entry) if entry["type"] == FILE else ():
            pass
        there = os.dup(self._parent(earlier["directory"]))
        os.link(earlier["name"], self._place(entry), src_dir_fd=there, follow_symlinks=False)
        os.close(there)

    def _file(self, path, safeset, entry):
        if length_of(safeset.catalog.extents(entry)) < entry["sizeBytes"]:
            self._tell(entry, "its content could not be read when it was backed up")
            return False
        with open(path, "xb") as file:
            for offset, data in safeset.content(entry):
                file.seek(offset)
                file.write(data)
            file.truncate(entry["sizeBytes"])
        for stream in entry["streams"]:
            self._tell(entry, "a stream")
            for _ in safeset.content(stream):
                pass
        return True

    def _node(self, path, entry):
        kinds = {FIFO: stat.S_IFIFO, SOCKET: stat.S_IFSOCK, CHARACTER: stat.S_IFCHR, BLOCK: stat.S_IFBLK}
        device = entry["device"] or {"major": 0, "minor": 0}
        os.mknod(path, kinds[entry["type"]] | 0o600, os.makedev(device["major"], device["minor"]))

    def _finish(self, entry):
        """Owner before mode, since changing it takes marks away; times last. What runs with its owner's rights does so only under that owner."""
        path, is_root = self._place(entry), os.geteuid() == 0
        steps = [lambda: os.chown(path, entry["uid"], entry["gid"], follow_symlinks=False)] if is_root else []
        if entry["type"] != LINK:
            steps.append(lambda: os.chmod(path, entry["mode"] if is_root else entry["mode"] & 0o1777))
        kinds = {"posix-access": "system.posix_acl_access", "posix-default": "system.posix_acl_default"}
        for acl in entry["acls"]:
            steps.append(lambda acl=acl: os.setxattr(path, kinds[acl["kind"]], acl["value"], follow_symlinks=False))
        for xattr in entry["xattrs"]:
            steps.append(lambda xattr=xattr: os.setxattr(path, xattr["name"], xattr["value"], follow_symlinks=False))
        nanos = entry["mtimeSeconds"] * 10**9 + entry["mtimeNanos"]
        steps.append(lambda: os.utime(path, ns=(nanos, nanos), follow_symlinks=False))
        for step in steps:
            self._try(entry, step)

    def _try(self, entry, step):
        try:
            step()
            return True
        except (OSError, KeyError) as error:
            self._tell(entry, getattr(error, "strerror", None) or str(error))
            return False

    def _tell(self, entry, what):
        self.untold += 1
        path = b"/".join([*entry["directory"].split(b"\0"), entry["name"]])
        print(f"{os.fsdecode(path)!r}: left out: {what}", file=sys.stderr)
