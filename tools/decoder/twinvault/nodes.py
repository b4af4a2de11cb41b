"""Nodes of a catalog: docs/format/catalog.md, Nodes. A node that is not exactly what a writer makes of its content is refused."""

import re

from . import cbor
from .packs import PLAINTEXT_MAX
from .wire import Reader, demand

NODE_MAX, LEVEL_MAX, ITEMS_MAX, ROPE_MIN = 128 * 1024, 32, 1024, 64
NAME_MAX, PATH_MAX, XATTR_MAX, OWNER_MAX, LINK_MAX = 1024, 32768, 65536, 256, 32768
FILE, DIRECTORY, LINK, CHARACTER, BLOCK = 1, 2, 3, 6, 7
COLUMNS = ("gid", "uid", "mode", "size", "type", "mtime", "extents")


class Ids:
    """The ids of a node: whatever uses one goes through here, so that order of first use and completeness are checked."""

    def __init__(self, joined):
        demand(isinstance(joined, bytes) and len(joined) % 32 == 0, "ids are not 32 bytes each")
        self.all = [joined[at:at + 32] for at in range(0, len(joined), 32)]
        demand(len(set(self.all)) == len(self.all), "id stands twice")
        self.used = 0

    def use(self, index):
        demand(isinstance(index, int) and 0 <= index <= self.used and index < len(self.all), "ids not in order of first use")
        self.used = max(self.used, index + 1)
        return self.all[index]

    def end(self):
        demand(self.used == len(self.all), "id without use")


def decode_node(plaintext):
    demand(len(plaintext) <= NODE_MAX, "node too large")
    node = cbor.decode(plaintext)
    demand(isinstance(node, list) and len(node) >= 3, "node has another number of items")
    kind, level, ids = node[0], node[1], Ids(node[2])
    demand(cbor.integer(kind) and 1 <= kind <= 5, "unknown type of node")
    demand(cbor.integer(level) and level <= LEVEL_MAX and (level > 0) == (kind in (2, 4)), "level does not fit the type")
    demand(len(node) == {1: 7}.get(kind, 4), "node has another number of items")
    value = {1: _leaf, 2: _inner, 3: _rope_leaf, 4: _rope_inner, 5: _attribute_node}[kind](node[3:], ids)
    ids.end()
    names = {1: "leaf", 2: "inner", 3: "ropeLeaf", 4: "ropeInner", 5: "attributes"}
    found = {"type": names[kind], **value, "ids": ids.all}
    return {**found, "level": level} if kind in (2, 4) else found


def key_of(directory, name):
    return directory + b"\0\0" + name


def _check_name(name):
    demand(0 < len(name) <= NAME_MAX and name not in (b".", b"..") and not set(name) & {0, 0x2F}, "name out of range")


def _leaf(body, ids):
    directories, names, columns, extras = body
    count = _directory_counts(directories)
    entries, reader = [], Reader(names if cbor.blob(names) else b"")
    demand(cbor.blob(names), "names are not bytes")
    for path, number in directories:
        for _ in range(number):
            name = reader.take(reader.varint())
            _check_name(name)
            demand(len(path) + 1 + len(name) <= PATH_MAX, "path out of range")
            entries.append({"directory": path, "name": name})
    reader.end("the names")
    keys = [key_of(entry["directory"], entry["name"]) for entry in entries]
    demand(all(a < b for a, b in zip(keys, keys[1:])), "names not in order")
    demand(isinstance(extras, dict) and all(cbor.integer(index) and index < count for index in extras), "extras not in order")
    _fill_columns(entries, columns, ids)
    _fill_extras(entries, extras, ids)
    return {"entries": entries}


def _directory_counts(directories):
    demand(isinstance(directories, list) and len(directories) <= ITEMS_MAX, "too many directories")
    for item in directories:
        demand(cbor.items(2, count_min=2)(item) and cbor.blob(item[0]) and cbor.integer(item[1]), "directory")
        demand(item[1] > 0, "directory without entries")
        demand(len(item[0]) <= PATH_MAX, "directory path out of range")
        for part in item[0].split(b"\0") if item[0] else []:
            _check_name(part)
    # A directory path and 0x00 0x00 begin the keys of its entries: that is what is in order.
    starts = [path + b"\0\0" for path, _ in directories]
    demand(all(a < b for a, b in zip(starts, starts[1:])), "directories not in order")
    count = sum(number for _, number in directories)
    demand(count <= ITEMS_MAX, "too many entries")
    return count


def _fill_columns(entries, columns, ids):
    demand(isinstance(columns, dict) and all(key in COLUMNS and cbor.blob(data) for key, data in columns.items()),
           "unknown column")
    demand(all(columns.values()), "empty column")
    readers = {key: Reader(columns.get(key, b"")) for key in COLUMNS}
    for entry in entries:
        entry["type"] = readers["type"].u8()
        demand(1 <= entry["type"] <= 7, "type out of range")
        entry["mode"] = readers["mode"].varint()
        demand(entry["mode"] < 4096, "mode out of range")
        entry["uid"], entry["gid"] = readers["uid"].varint(), readers["gid"].varint()
    before = 0
    for entry in entries:
        before += readers["mtime"].svarint()
        entry["mtimeSeconds"], entry["mtimeNanos"] = before, readers["mtime"].varint()
        _check_time(before, entry["mtimeNanos"])
        is_file = entry["type"] == FILE
        entry["sizeBytes"] = readers["size"].varint() if is_file else 0
        content = _content(readers["extents"], ids) if is_file else {"extents": [], "rope": None}
        entry.update(content)
    for key, reader in readers.items():
        reader.end(f"the column {key}")


def _check_time(seconds, nanos):
    demand(cbor.signed(seconds) and abs(seconds) < 2**51 and cbor.integer(nanos) and nanos < 10**9, "time out of range")


def _content(reader, ids):
    count = reader.varint()
    demand(count <= ROPE_MIN, "long list of extents without a rope")
    if count == ROPE_MIN:
        return {"extents": [], "rope": ids.use(reader.varint())}
    return {"extents": _extents(reader, count, ids), "rope": None}


def _extents(reader, count, ids):
    demand(count * 2 <= reader.left, "more extents than bytes")
    extents = []
    for _ in range(count):
        which = reader.varint()
        chunk = None if which == 0 else ids.use(which - 1)
        offset = 0 if which == 0 else reader.varint()
        length = reader.varint()
        demand(length > 0 and (which == 0 or offset + length <= PLAINTEXT_MAX), "extent out of range")
        if extents:
            last = extents[-1]
            touch = last["chunk"] == chunk and (chunk is None or last["offsetBytes"] + last["lengthBytes"] == offset)
            demand(not touch, "touching extents")
        extents.append({"chunk": chunk, "offsetBytes": offset, "lengthBytes": length})
    return extents


def length_of(extents):
    return sum(extent["lengthBytes"] for extent in extents)


def _fill_extras(entries, extras, ids):
    users, groups = {}, {}
    for index, entry in enumerate(entries):
        extra = extras.get(index, {})
        demand(isinstance(extra, dict) and (index not in extras or extra), "empty extras")
        _fill_extra(entry, extra, ids)
        entry["extras"] = list(extra)
        for key, owner, names in (("user", entry["uid"], users), ("group", entry["gid"], groups)):
            if key in extra:
                demand(extra[key] is None or cbor.text(OWNER_MAX, 0)(extra[key]), "text too long")
                demand(extra[key] != names.get(owner), "owner name stands twice")
                names[owner] = extra[key]
            entry[key] = names.get(owner)


EXTRAS = {"acl", "attributes", "atime", "btime", "carried", "device", "group", "user", "hardlink", "link", "streams",
          "torn", "unread", "windows", "xattrs"}


def _fill_extra(entry, extra, ids):
    demand(set(extra) <= EXTRAS, "unknown extra")
    kind = entry["type"]
    for mark in ("torn", "unread"):
        demand(extra.get(mark, True) is True, "true expected")
        entry[mark] = mark in extra
    demand(not entry["torn"] or kind == FILE, "torn, but no file")
    _check_extents(entry, entry["sizeBytes"], entry["unread"])
    for key in ("atime", "btime"):
        entry[key] = _pair(extra[key], _check_time, ("seconds", "nanos")) if key in extra else None
    entry["carried"] = extra.get("carried")
    demand("carried" not in extra or cbor.integer(extra["carried"]) and extra["carried"] > 0, "carried from no safeset")
    entry["windows"] = extra.get("windows")
    demand("windows" not in extra or cbor.integer(extra["windows"]) and extra["windows"] < 2**32, "file attributes out of range")
    is_device = kind in (CHARACTER, BLOCK)
    demand(("device" in extra) == is_device, "device numbers do not fit the type")
    entry["device"] = _pair(extra["device"], _check_numbers, ("major", "minor")) if is_device else None
    demand("hardlink" not in extra or kind != DIRECTORY, "hard link of a directory")
    entry["hardlink"] = _pair(extra["hardlink"], _check_inode, ("device", "inode")) if "hardlink" in extra else None
    link = extra.get("link")
    demand(link is None or kind == LINK and cbor.blob(link) and 0 < len(link) <= LINK_MAX, "link target")
    demand("link" not in extra or link is not None, "link target")
    demand(kind != LINK or link is not None or entry["unread"], "link without its target")
    entry["link"] = link
    in_line = [key for key in ("acl", "streams", "xattrs") if key in extra]
    demand(not in_line or "attributes" not in extra, "attributes both in and out of line")
    demand(all(extra[key] for key in in_line + ["attributes"] if key in extra), "empty list")
    # In the order of their bytes: acl, xattrs, streams.
    entry["acls"] = _acls(extra.get("acl", []))
    entry["xattrs"] = _xattrs(extra.get("xattrs", []))
    entry["streams"] = _streams(extra.get("streams", []), ids)
    attributes = extra.get("attributes", [])
    demand(isinstance(attributes, list), "attributes")
    entry["attributes"] = [ids.use(index) for index in attributes]


def _pair(value, check, names):
    demand(cbor.items(2, count_min=2)(value), "pair")
    check(*value)
    return dict(zip(names, value))


def _check_numbers(major, minor):
    demand(cbor.integer(major) and cbor.integer(minor), "device numbers")


def _check_inode(device, inode):
    large = isinstance(inode, str) and re.fullmatch("[1-9][0-9]*", inode) and 2**53 <= int(inode) < 2**64
    demand(cbor.integer(device) and (cbor.integer(inode) or large), "inode out of range")


def _check_extents(content, size, unread):
    if content["rope"] is not None:
        return
    length = length_of(content["extents"])
    demand(length == size or unread and length < size, "extents do not add up to the size")


def _sorted_by_name(found, what):
    names = [name for name, *_ in found]
    demand(all(a < b for a, b in zip(names, names[1:])), f"{what} not sorted")


def _acls(value):
    demand(isinstance(value, list), "ACLs")
    for item in value:
        demand(cbor.items(2, count_min=2)(item) and isinstance(item[0], str) and cbor.blob(item[1]), "ACL")
        demand(re.fullmatch("[a-z0-9-]{1,32}", item[0]), "ACL of an unknown spelling")
    _sorted_by_name(value, "ACLs")
    return [{"kind": kind, "value": item} for kind, item in value]


def _xattrs(value):
    demand(isinstance(value, list), "xattrs")
    for item in value:
        demand(cbor.items(2, count_min=2)(item) and all(map(cbor.blob, item)), "xattr")
        demand(len(item[0]) > 0 and len(item[1]) <= XATTR_MAX, "xattr out of range")
    _sorted_by_name(value, "xattrs")
    return [{"name": name, "value": item} for name, item in value]


def _streams(value, ids):
    demand(isinstance(value, list), "streams")
    found = []
    for item in value:
        demand(cbor.items(3, count_min=3)(item) and cbor.blob(item[0]) and item[0], "stream")
        demand(cbor.integer(item[1]) and cbor.blob(item[2]), "stream")
        reader = Reader(item[2])
        content = _content(reader, ids)
        reader.end("the content of a stream")
        _check_extents(content, item[1], False)
        found.append({"name": item[0], "sizeBytes": item[1], **content})
    _sorted_by_name(value, "streams")
    return found


def _inner(body, ids):
    [children], found = body, []
    demand(cbor.items(ITEMS_MAX, count_min=1)(children), "empty node or child")
    for child in children:
        demand(cbor.items(4, count_min=4)(child) and cbor.blob(child[0]), "child")
        key, index, entries, size = child
        demand(cbor.integer(entries) and entries > 0 and cbor.integer(size), "empty node or child")
        found.append({"key": key, "id": ids.use(index), "entries": entries, "bytes": size})
    demand(all(a["key"] < b["key"] for a, b in zip(found, found[1:])), "children not in order")
    return {"children": found}


def _rope_leaf(body, ids):
    demand(cbor.blob(body[0]), "extents are not bytes")
    reader = Reader(body[0])
    count = reader.varint()
    demand(0 < count <= ITEMS_MAX, "empty node or child")
    extents = _extents(reader, count, ids)
    reader.end("the extents")
    return {"extents": extents}


def _rope_inner(body, ids):
    [children], found = body, []
    demand(cbor.items(ITEMS_MAX, count_min=1)(children), "empty node or child")
    for child in children:
        demand(cbor.items(2, count_min=2)(child) and cbor.integer(child[0]) and child[0] > 0, "empty node or child")
        found.append({"lengthBytes": child[0], "id": ids.use(child[1])})
    demand(sum(child["lengthBytes"] for child in found) < 2**53, "rope too long")
    return {"children": found}


def _attribute_node(body, ids):
    demand(cbor.items(3, count_min=3)(body[0]) and any(body[0]), "empty attribute node")
    acl, streams, xattrs = body[0]
    return {"attributes": {"acls": _acls(acl), "streams": _streams(streams, ids), "xattrs": _xattrs(xattrs)}}
