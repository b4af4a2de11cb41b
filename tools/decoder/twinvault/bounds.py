"""Where nodes of a catalog end: docs/format/catalog.md, Bounds. Equal listings give equal nodes only if every writer ends them alike, so it is checked."""

from .crypto import siphash24
from .wire import demand, u64

COST_MAX, ITEMS_MAX, ONE_IN = 49_152, 1024, 128


def _ends(cutter_key, level, key):
    return siphash24(cutter_key, bytes([level]) + key) >> 32 < 2**32 // ONE_IN


def _content_cost(content):
    return 40 if content["rope"] is not None else 64 * len(content["extents"])


class _Leaf:
    """What the cost of an entry depends on in its leaf: the folders and owner names that stand there already."""

    def __init__(self):
        self.directory, self.owners, self.cost, self.count = None, {}, 0, 0

    def cost_of(self, entry):
        cost = 48 + len(entry["name"]) + _content_cost(entry)
        if entry["directory"] != self.directory:
            cost += 16 + len(entry["directory"])
        cost += 24 * sum(key not in ("user", "group") for key in entry["extras"])
        for key, owner in (("user", entry["uid"]), ("group", entry["gid"])):
            if entry[key] != self.owners.get((key, owner)):
                cost += 24 + len((entry[key] or "").encode())
        cost += len(entry["link"] or b"") + 40 * len(entry["attributes"])
        if entry["hardlink"] and isinstance(entry["hardlink"]["inode"], str):
            cost += len(entry["hardlink"]["inode"])
        for acl in entry["acls"]:
            cost += 16 + len(acl["kind"]) + len(acl["value"])
        for xattr in entry["xattrs"]:
            cost += 16 + len(xattr["name"]) + len(xattr["value"])
        for stream in entry["streams"]:
            cost += 16 + len(stream["name"]) + _content_cost(stream)
        return cost

    def add(self, entry):
        self.cost += self.cost_of(entry)
        self.count += 1
        self.directory = entry["directory"]
        self.owners["user", entry["uid"]], self.owners["group", entry["gid"]] = entry["user"], entry["group"]


class _Items:
    """Children and extents: what each costs stands in it."""

    def __init__(self):
        self.cost = self.count = 0

    def cost_of(self, item):
        return item["cost"]

    def add(self, item):
        self.cost += item["cost"]
        self.count += 1


class Level:
    """The nodes of one level in order; each item holds `k`. `least`: how many items a node holds whatever the rules say."""

    def __init__(self, cutter_key, level, make=_Items, least=2):
        self.cutter_key, self.level, self.make, self.least = cutter_key, level, make, least
        self.open = None

    def node(self, items):
        """The next node: it begins where the last one had to end, and goes on to its end."""
        if self.open is not None:
            node, last = self.open
            full = node.count == ITEMS_MAX or node.cost + node.cost_of(items[0]) > COST_MAX
            demand(node.count >= self.least and (full or self._ends(last)), "a node ends too early")
        node = self.make()
        for index, item in enumerate(items):
            if index >= self.least:
                demand(node.cost + node.cost_of(item) <= COST_MAX and node.count < ITEMS_MAX, "a node ends too late")
                demand(not self._ends(items[index - 1]), "a node ends too late")
            node.add(item)
        self.open = (node, items[-1])

    def _ends(self, item):
        return _ends(self.cutter_key, self.level, item["k"])


def leaf_level(cutter_key):
    return Level(cutter_key, 0, _Leaf, 1)


def child_of_catalog(child):
    return {"k": child["key"], "cost": 64 + len(child["key"])}


def extent_of_rope(extent):
    return {"k": (extent["chunk"] or bytes(32)) + u64(extent["lengthBytes"]), "cost": 64}


def child_of_rope(child):
    return {"k": child["id"] + u64(child["lengthBytes"]), "cost": 64}
