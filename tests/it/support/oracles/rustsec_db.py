"""The records of crates.io in OSV's bulk layout as a database of RustSec, for cargo-audit.

Usage: rustsec_db.py ALL.ZIP DIRECTORY

A range of OSV says what is affected, RustSec says what is patched or never was: the one is what the other leaves over.
https://github.com/rustsec/advisory-db#advisory-format
"""

import json
import sys
import zipfile
from pathlib import Path

# What OSV's records of RustSec begin with, where the first version is affected already.
FIRST = ("0", "0.0.0-0")


def unaffected(events):
    """The versions that the events of a range leave over."""
    left, fixed = [], None
    for event in events:
        if "introduced" in event:
            since = event["introduced"]
            if fixed is not None:
                left.append(f">= {fixed}, < {since}")
            elif since not in FIRST:
                left.append(f"< {since}")
            fixed = None
        else:
            fixed = event["fixed"]
    if fixed is not None:
        left.append(f">= {fixed}")
    return left


def advisory(record):
    [affected] = record["affected"]
    [versions] = affected["ranges"]
    specific = affected.get("database_specific") or {}
    fields = {
        "id": record["id"],
        "package": affected["package"]["name"],
        "date": record["published"][:10],
        "informational": specific.get("informational"),
        "withdrawn": (record.get("withdrawn") or "")[:10] or None,
    }
    lines = [f"{name} = {json.dumps(value)}" for name, value in fields.items() if value]
    left = json.dumps(unaffected(versions["events"]))
    front = "\n".join(["[advisory]", *lines, "[versions]", f"patched = {left}"])
    summary = " ".join(record["summary"].split())
    return fields["package"], f"```toml\n{front}\n```\n\n# {summary}\n\nSee OSV.\n"


def main(archive, directory):
    with zipfile.ZipFile(archive) as opened:
        for name in opened.namelist():
            if not name.endswith(".json"):
                continue
            record = json.loads(opened.read(name))
            package, text = advisory(record)
            folder = Path(directory) / "crates" / package
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{record['id']}.md").write_text(text)


main(*sys.argv[1:])
