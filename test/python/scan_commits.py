"""Commits to tables of scan_tables.py, in the folder that is given: one JSON line {table, kind} in, the newest version out."""

import json
import os
import random
import sys

import pyarrow as pa
from deltalake import DeltaTable, write_deltalake
from scan_tables import deletion_vector, physical_names, write_commit, write_file

rng = random.Random("commits")


class Log:
    """A table's files as its commits leave them, whoever wrote these."""

    def __init__(self, table):
        self.table = table
        self.folder = os.path.join(sys.argv[1], table)
        self.version = -1
        self.adds = {}
        while os.path.exists(path := os.path.join(self.folder, "_delta_log", f"{self.version + 1:020d}.json")):
            self.version += 1
            with open(path) as log:
                actions = [json.loads(line) for line in log]
            for remove in (action["remove"] for action in actions if "remove" in action):
                self.adds.pop(remove["path"], None)
            self.adds |= {action["add"]["path"]: action["add"] for action in actions if "add" in action}

    def commit(self, *actions):
        self.version += 1
        write_commit(self.folder, self.version, [{"commitInfo": {"operation": "WRITE"}}, *actions])
        self.__init__(self.table)

    def added(self, number=0):
        return write_file(self.folder, 100 + 10 * self.version + number, self.table, rng, physical_names(self.table))

    def some(self):
        return self.adds[rng.choice(sorted(self.adds))]


def removed(add):
    kept = {name: add[name] for name in ("path", "partitionValues", "size", "deletionVector") if name in add}
    return {"remove": kept | {"dataChange": True, "deletionTimestamp": 1, "extendedFileMetadata": True}}


def append(log):
    log.commit(log.added())


def remove(log):
    log.commit(removed(log.some()))


def replace(log):
    log.commit(removed(log.some()), log.added())


def several(log):
    """What is there for one version alone, among others."""
    fleeting = log.added()
    log.commit(fleeting)
    log.commit(removed(fleeting["add"]), log.added())
    log.commit(removed(log.some()))


def delete_rows(log):
    """Another deletion vector in the place of the one that the file has, if it has one."""
    add = log.some()
    rows = json.loads(add["stats"])["numRecords"]
    deleted = deletion_vector(sorted(rng.sample(range(rows), rng.randrange(1, rows))))
    log.commit({"add": add | {"deletionVector": deleted}}, removed(add))


def restore_rows(log):
    """A file without the deletion vector that it had."""
    add = next(add for _, add in sorted(log.adds.items()) if "deletionVector" in add)
    log.commit(removed(add), {"add": {name: item for name, item in add.items() if name != "deletionVector"}})


def tag(log):
    """The same file again, with tags."""
    log.commit({"add": log.some() | {"dataChange": False, "tags": {"seen": "yes"}}})


def overwrite(log):
    log.commit(*(removed(add) for add in log.adds.values()), log.added(), log.added(1))


def widen(log):
    """Properties in between, which are metadata."""
    with open(os.path.join(log.folder, "_delta_log", f"{0:020d}.json")) as first:
        metadata = next(action["metaData"] for line in first if "metaData" in (action := json.loads(line)))
    configuration = metadata["configuration"] | {"note": str(log.version)}
    log.commit({"metaData": metadata | {"configuration": configuration}}, log.added())


def library_append(log):
    rows = DeltaTable(log.folder).to_pyarrow_table().slice(0, 5)
    write_deltalake(log.folder, rows, mode="append")


def library_delete(log):
    DeltaTable(log.folder).delete("id % 7 = 3")


def library_compact(log):
    DeltaTable(log.folder).optimize.compact()


kinds = {
    kind.__name__: kind
    for kind in (append, remove, replace, several, delete_rows, restore_rows, tag, overwrite, widen)
    + (library_append, library_delete, library_compact)
}

for line in sys.stdin:
    request = json.loads(line)
    kinds[request["kind"]](Log(request["table"]))
    print(json.dumps(Log(request["table"]).version), flush=True)
