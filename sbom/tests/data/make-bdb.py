#!/usr/bin/env python3
"""Makes blobs.bdb and rpmdb.bdb beside itself: the rows of the SQLite databases of the same names in hash tables of
Berkeley DB, keyed as rpm keys them. The tables are written by Berkeley DB itself (db5.3_load of Debian's db5.3-util)."""

import os
import sqlite3
import struct
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))


def table(name):
    rows = sqlite3.connect(os.path.join(HERE, name + ".sqlite")).execute("SELECT hnum, blob FROM Packages")
    # Under the number 0 rpm keeps the number that it gave last.
    pairs = [(struct.pack("<I", number), blob) for number, blob in rows]
    pairs.insert(0, (struct.pack("<I", 0), struct.pack("<I", len(pairs))))
    dump = "VERSION=3\nformat=bytevalue\ntype=hash\ndb_pagesize=512\nHEADER=END\n"
    dump += "".join(f" {key.hex()}\n {blob.hex()}\n" for key, blob in pairs)
    path = os.path.join(HERE, name + ".bdb")
    if os.path.exists(path):
        os.remove(path)
    subprocess.run(["db5.3_load", path], input=(dump + "DATA=END\n").encode(), check=True)


table("blobs")
table("rpmdb")
