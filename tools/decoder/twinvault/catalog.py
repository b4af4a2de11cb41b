"""A catalog read from its root: docs/format/catalog.md. What a parent says of a child is checked when the child is opened."""

from .bounds import Level, child_of_catalog, child_of_rope, extent_of_rope, leaf_level
from .nodes import decode_node, key_of, length_of
from .wire import demand


class Catalog:
    """`node`: gives the plaintext of a chunk of kind catalog by its id. `used`: every id that reading came across, by kind."""

    def __init__(self, node, root, level, cutter_key):
        self._node, self.root, self.level, self._cutter_key = node, root, level, cutter_key
        self.used = {"catalog": set(), "data": set()}

    def _open(self, chunk, kind, level=None):
        self.used["catalog"].add(chunk)
        node = decode_node(self._node(chunk))
        demand(node["type"] == kind and node.get("level") == level, "node is not the one that its parent describes")
        return node

    def entries(self):
        """Every entry in order of keys; attributes that stand in nodes of their own are filled in."""
        levels = [leaf_level(self._cutter_key)] + [Level(self._cutter_key, level) for level in range(1, self.level + 1)]
        yield from self._below(self.root, levels, None)

    def _below(self, chunk, levels, expected):
        level = len(levels) - 1
        if level == 0:
            node = self._open(chunk, "leaf")
            found = node["entries"]
            demand(expected is None or found, "node is not the one that its parent describes")
        else:
            node = self._open(chunk, "inner", level)
            found = node["children"]
        if expected is not None:
            first = found[0]["key"] if level else key_of(found[0]["directory"], found[0]["name"])
            entries = sum(child["entries"] for child in found) if level else len(found)
            size = sum(child["bytes"] if level else child["sizeBytes"] for child in found)
            key, before, count, total = expected
            demand((first, entries, size) == (key, count, total), "node is not the one that its parent describes")
            last = found[-1]["key"] if level else key_of(found[-1]["directory"], found[-1]["name"])
            demand(before is None or last < before, "node is not the one that its parent describes")
        if level == 0:
            if found:
                levels[0].node([{**entry, "k": key_of(entry["directory"], entry["name"])} for entry in found])
            yield from map(self._whole, found)
            return
        demand(expected is not None or len(found) > 1, "a level above a single node")
        levels[level].node([child_of_catalog(child) for child in found])
        for index, child in enumerate(found):
            after = found[index + 1]["key"] if index + 1 < len(found) else expected and expected[1]
            yield from self._below(child["id"], levels[:-1], (child["key"], after, child["entries"], child["bytes"]))

    def _whole(self, entry):
        found = dict(entry)
        for chunk in entry["attributes"]:
            attributes = self._open(chunk, "attributes")["attributes"]
            for key in ("acls", "streams", "xattrs"):
                found[key] = found[key] + attributes[key]
        for key, name in (("acls", "kind"), ("streams", "name"), ("xattrs", "name")):
            names = [item[name] for item in found[key]]
            demand(all(a < b for a, b in zip(names, names[1:])), "attributes not sorted")
        return found

    def extents(self, content):
        """All extents of a file or stream; `content` holds `extents`, `rope` and `sizeBytes`."""
        extents = content["extents"]
        if content["rope"] is not None:
            extents = list(self._rope(content["rope"], {}))
            length = length_of(extents)
            unread = content.get("unread", False)
            demand(length == content["sizeBytes"] or unread and length < content["sizeBytes"], "rope is not as long as its file")
            demand(len(extents) >= 64, "rope of a short list")
        self.used["data"].update(extent["chunk"] for extent in extents if extent["chunk"] is not None)
        return extents

    def _rope(self, chunk, levels, level=None, length=None):
        """The root of a rope says its level itself; below it the parent does."""
        self.used["catalog"].add(chunk)
        node = decode_node(self._node(chunk))
        demand(node["type"] in ("ropeLeaf", "ropeInner"), "rope expected")
        own = node.get("level", 0)
        demand(level in (None, own), "node is not the one that its parent describes")
        if node["type"] == "ropeLeaf":
            demand(length in (None, length_of(node["extents"])), "node is not the one that its parent describes")
            self._rope_level(levels, 0).node([extent_of_rope(extent) for extent in node["extents"]])
            yield from node["extents"]
            return
        demand(length in (None, sum(child["lengthBytes"] for child in node["children"])), "length of a rope")
        demand(level is not None or len(node["children"]) > 1, "a level above a single node")
        self._rope_level(levels, own).node([child_of_rope(child) for child in node["children"]])
        for child in node["children"]:
            yield from self._rope(child["id"], levels, own - 1, child["lengthBytes"])

    def _rope_level(self, levels, level):
        return levels.setdefault(level, Level(self._cutter_key, level))


