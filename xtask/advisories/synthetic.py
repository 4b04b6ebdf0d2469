"""A million and a half rows of advisories that are about nobody's packages: 100,000 records on 15 packages each.

Usage: synthetic.py ALL.ZIP
"""

import json
import sys
import zipfile

RECORDS, PACKAGES = 100_000, 15
ECOSYSTEMS = ["AlmaLinux:8", "PyPI", "Go", "crates.io", "npm", "Maven"]


def record(number):
    ecosystem = ECOSYSTEMS[number % len(ECOSYSTEMS)]
    events = [{"introduced": "0"}, {"fixed": f"1.{number % 50}.0"}]
    return {
        "id": f"SYN-{number}",
        "modified": "2026-01-01T00:00:00Z",
        "summary": f"flaw {number}",
        "affected": [
            {
                "package": {"ecosystem": ecosystem, "name": f"of:nobody-{number % 70_000}-{at}"},
                "ranges": [{"type": "ECOSYSTEM", "events": events}],
            }
            for at in range(PACKAGES)
        ],
    }


with zipfile.ZipFile(sys.argv[1], "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
    for number in range(RECORDS):
        archive.writestr(f"SYN-{number}.json", json.dumps(record(number)))
