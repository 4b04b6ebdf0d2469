"""Fetches the Cargo.lock files of a few published programs, for tests that compare findings on them.

Usage: locks.py DIRECTORY

Each file comes out of the program's package at crates.io, whose SHA-256 is pinned, as DIRECTORY/NAME.lock.
"""

import hashlib
import io
import sys
import tarfile
import urllib.request
from pathlib import Path

# Old releases: their dependencies have flaws by now.
PACKAGES = {
    "cargo-deny-0.13.0": "574a6f206d42e3348774b7e39871984a839b365de80e8b1fc0fb1aba2b871042",
    "deno-1.45.0": "d91a98d35dc075c7b3560866b921dcffdc4e398b29b62454fbe0dd9fd4ec13d3",
    "ripgrep-12.1.1": "b955557adc78324dbc2bc663ca85df54b48a579b340876e38dffb39f24882ebf",
    "sccache-0.4.0": "fd9d14acfc1ae0ad7bfbe0fa563f60462e7d6d9f458ea84c18dbd5a5b02a7daf",
}


def lock(package, digest):
    name = package.rsplit("-", 1)[0]
    address = f"https://static.crates.io/crates/{name}/{package}.crate"
    with urllib.request.urlopen(address, timeout=60) as response:
        content = response.read()
    found = hashlib.sha256(content).hexdigest()
    if found != digest:
        sys.exit(f"{address}: expected SHA-256 {digest}, found {found}")
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        return archive.extractfile(f"{package}/Cargo.lock").read()


def main(directory):
    for package, digest in PACKAGES.items():
        (Path(directory) / f"{package}.lock").write_bytes(lock(package, digest))


main(sys.argv[1])
