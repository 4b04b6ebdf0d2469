#!/usr/bin/env python3
"""Makes blobs.sqlite and rpmdb.sqlite beside itself, with the SQLite of Python's library."""

import os
import sqlite3
import struct

HERE = os.path.dirname(os.path.abspath(__file__))


def header(*entries):
    """A header of rpm: (tag, value), the value a text, a list of texts, or a list of numbers."""
    index = data = b""
    for tag, value in entries:
        offset = len(data)
        if isinstance(value, str):
            kind, count, new = 6, 1, value.encode() + b"\0"
        elif isinstance(value[0], str):
            kind, count = 8, len(value)
            new = b"".join(text.encode() + b"\0" for text in value)
        else:
            data += b"\0" * (-len(data) % 4)
            offset = len(data)
            kind, count = 4, len(value)
            new = struct.pack(f">{count}I", *value)
        index += struct.pack(">4I", tag, kind, offset, count)
        data += new
    return struct.pack(">2I", len(entries), len(data)) + index + data


def database(name, blobs):
    path = os.path.join(HERE, name)
    if os.path.exists(path):
        os.remove(path)
    db = sqlite3.connect(path)
    db.execute("PRAGMA page_size = 512")
    db.execute("CREATE TABLE Packages (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)")
    db.execute("CREATE TABLE Name (key TEXT NOT NULL, hnum INTEGER NOT NULL, idx INTEGER NOT NULL)")
    db.executemany("INSERT INTO Packages (blob) VALUES (?)", [(blob,) for blob in blobs])
    db.execute("CREATE INDEX Name_idx ON Name (key ASC)")
    db.commit()
    db.close()


NAME, VERSION, RELEASE, EPOCH, VENDOR, LICENSE, ARCH = 1000, 1001, 1002, 1003, 1011, 1014, 1022
SOURCERPM, PROVIDENAME, REQUIRENAME, DIRINDEXES, BASENAMES, DIRNAMES = 1044, 1047, 1049, 1116, 1117, 1118

database("blobs.sqlite", [bytes([n]) * (37 * n) for n in range(1, 41)])
database(
    "rpmdb.sqlite",
    [
        header(
            (NAME, "bash"),
            (VERSION, "5.2.32"),
            (RELEASE, "1.fc41"),
            (ARCH, "x86_64"),
            (SOURCERPM, "bash-5.2.32-1.fc41.src.rpm"),
            (PROVIDENAME, ["bash", "config(bash)"]),
            (REQUIRENAME, ["libc.so.6()(64bit)", "rpmlib(PayloadIsZstd)", "absent"]),
            (DIRNAMES, ["/usr/bin/", "/usr/lib/"]),
            (DIRINDEXES, [0, 1]),
            (BASENAMES, ["bash", "six.egg-info"]),
        ),
        header((NAME, "gpg-pubkey")),
        header(
            (NAME, "glibc"),
            (VERSION, "2.40"),
            (RELEASE, "3.fc41"),
            (EPOCH, [2]),
            (VENDOR, "Fedora Project"),
            (LICENSE, "LGPL-2.1-or-later"),
            (ARCH, "x86_64"),
            (SOURCERPM, "glibc-2.40-3.fc41.src.rpm"),
            (PROVIDENAME, ["glibc", "libc.so.6()(64bit)"]),
            (REQUIRENAME, ["/usr/bin/bash", "glibc"]),
        ),
        b"no header",
    ],
)


def waiting():
    """waiting.sqlite with one row, and waiting.sqlite-wal with two more: copied while the database is open."""
    path = os.path.join(HERE, "open.sqlite")
    db = sqlite3.connect(path)
    db.execute("PRAGMA page_size = 512")
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA wal_autocheckpoint = 0")
    db.execute("CREATE TABLE Packages (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)")
    for row in (b"1" * 40, b"2" * 40, b"3" * 600):
        db.execute("INSERT INTO Packages (blob) VALUES (?)", (row,))
        db.commit()
        if row.startswith(b"1"):
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for end in ("", "-wal"):
        with open(path + end, "rb") as source, open(os.path.join(HERE, "waiting.sqlite" + end), "wb") as copy:
            copy.write(source.read())
    db.close()
    os.remove(path)


waiting()
