"""What trivy's own database would say of records in OSV's bulk layout: rows for the program in trivydb/, one JSON object a line.

Usage: trivy_rows.py OSV-DIRECTORY

Trivy keeps a language's records in buckets named `ECOSYSTEM::SOURCE`, with constraints on versions, and a distribution's in
one per release, with the version that fixes. Lists of versions have no place in it where there are ranges as well.
"""

import json
import re
import sys
import zipfile
from pathlib import Path

LANGUAGES = {"crates.io": "cargo", "Go": "go", "PyPI": "pip", "RubyGems": "rubygems"}
SOURCE = "Open Source Vulnerability"
STREAM = re.compile(r"\b([A-Za-z0-9][\w.+-]*):([A-Za-z0-9][\w.+-]*)")


def records(archive):
    with zipfile.ZipFile(archive) as opened:
        for name in sorted(opened.namelist()):
            if name.endswith(".json"):
                yield json.loads(opened.read(name))


def is_vulnerability(record, affected):
    informational = [
        (owner.get("database_specific") or {}).get("informational") for owner in (record, affected)
    ]
    is_notice = any(informational) or record["id"].startswith(("ALBA-", "ALEA-"))
    return not record.get("withdrawn") and not is_notice


def constraints(affected):
    """The ranges as trivy writes them; an empty constraint holds for every version."""
    written = []
    for events in (part["events"] for part in affected.get("ranges") or [] if part["type"] != "GIT"):
        since = None
        for event in events:
            if "introduced" in event:
                since = event["introduced"]
            else:
                [(kind, until)] = event.items()
                below = f"<{until}" if kind == "fixed" else f"<={until}"
                written.append(below if since in ("0", "0.0.0-0") else f">={since}, {below}")
                since = None
        if since is not None:
            written.append("" if since in ("0", "0.0.0-0") else f">={since}")
    return written or [f"={version}" for version in affected.get("versions") or []]


def of_language(ecosystem, record, affected):
    name = affected["package"]["name"]
    if ecosystem == "PyPI":
        name = re.sub(r"[-_.]+", "-", name).lower()
    ranges = constraints(affected)
    if ranges:
        yield [f"{LANGUAGES[ecosystem]}::{SOURCE}", name], {"VulnerableVersions": ranges}


def of_alma(record, affected):
    name, release = affected["package"]["name"], affected["package"]["ecosystem"].split(":")[1]
    streams = STREAM.findall(record.get("summary") or "")
    for events in (part["events"] for part in affected.get("ranges") or []):
        for fixed in (event["fixed"] for event in events if "fixed" in event):
            names = [name]
            if ".module" in fixed:
                names = [f"{module}:{stream}::{name}" for module, stream in streams]
            for name_in_stream in names:
                yield [f"alma {release}", name_in_stream], {"FixedVersion": fixed}


def main(root):
    values = {}
    for archive in sorted(Path(root).glob("*/all.zip")):
        ecosystem = archive.parent.name
        for record in records(archive):
            for affected in record.get("affected") or []:
                if not is_vulnerability(record, affected):
                    continue
                if ecosystem in LANGUAGES:
                    rows = of_language(ecosystem, record, affected)
                elif ecosystem == "AlmaLinux":
                    rows = of_alma(record, affected)
                else:
                    rows = ()
                for buckets, value in rows:
                    known = values.setdefault((*buckets, record["id"]), value)
                    if known is not value and "VulnerableVersions" in known:
                        known["VulnerableVersions"] += value["VulnerableVersions"]
            details = {"Title": record.get("summary") or "", "Severity": "UNKNOWN"}
            values["vulnerability", record["id"]] = details
    for (*buckets, key), value in values.items():
        print(json.dumps({"buckets": buckets, "key": key, "value": value}))


main(sys.argv[1])
