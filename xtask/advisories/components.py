"""An SBOM of 2,000 packages that the records in OSV's bulk layout are about: AlmaLinux 8, PyPI, Go and crates.io.

Usage: components.py OSV-DIRECTORY

Which packages and versions is decided by digests of their names, so that it is the same everywhere. A version is one that a
record names: one that a flaw is mended in or begins with, or one of its list. Of packages that come in modules every second
one says which stream it is of, to Plimsoll as `rpmmod`, to trivy in its property.
"""

import hashlib
import json
import re
import sys
import zipfile
from pathlib import Path

RELEASE = "AlmaLinux:8"
# Directory, ecosystem, package URL type, how many.
WANTED = [
    ("AlmaLinux", RELEASE, "rpm/almalinux", 700),
    ("PyPI", "PyPI", "pypi", 300),
    ("Go", "Go", "golang", 600),
    ("crates.io", "crates.io", "cargo", 400),
]
STREAM = re.compile(r"\b([A-Za-z0-9][\w.+-]*):([A-Za-z0-9][\w.+-]*)")


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()


def versions(root, folder, ecosystem):
    """The versions that records name of each package, each with the streams that the summary names."""
    found = {}
    with zipfile.ZipFile(Path(root) / folder / "all.zip") as archive:
        for name in sorted(archive.namelist()):
            if not name.endswith(".json"):
                continue
            record = json.loads(archive.read(name))
            streams = STREAM.findall(record.get("summary") or "")
            for affected in record.get("affected") or []:
                package = affected["package"]
                if package["ecosystem"] != ecosystem:
                    continue
                known = found.setdefault(package["name"], {})
                for part in affected.get("ranges") or []:
                    for event in part["events"] if part["type"] != "GIT" else []:
                        for version in event.values():
                            if version not in ("0", "0.0.0-0"):
                                known[version] = streams
                for version in (affected.get("versions") or [])[:8]:
                    known[version] = streams
    return found


def component(kind, name, version, streams):
    # The characters that a version or a name of these ecosystems may have, and a package URL may not.
    escaped = version.replace("+", "%2B").replace("^", "%5E")
    if kind == "golang":
        escaped = "v" + escaped
    qualifiers, properties = "", []
    if kind == "rpm/almalinux":
        epoch, _, escaped = escaped.rpartition(":")
        wanted = {"arch": "x86_64", "distro": "almalinux-8.10", "epoch": epoch}
        if ".module" in version and streams and int(digest(name), 16) % 2:
            label = ":".join([*streams[0], "8060020220523160029", "ad008a3a"])
            wanted["rpmmod"] = label
            properties = [{"name": "aquasecurity:trivy:Modularitylabel", "value": label}]
        qualifiers = "?" + "&".join(f"{key}={value}" for key, value in wanted.items() if value)
    purl = f"pkg:{kind}/{name}@{escaped}{qualifiers}"
    of = {"type": "library", "name": name, "version": version, "purl": purl, "bom-ref": purl}
    if properties:
        of["properties"] = properties
    return of


def main(root):
    system = {"type": "operating-system", "name": "alma", "version": "8.10", "bom-ref": "system"}
    components = [system]
    for folder, ecosystem, kind, count in WANTED:
        found = versions(root, folder, ecosystem)
        named = [name for name in sorted(found, key=digest) if found[name]]
        if kind == "pypi":
            named = [name for name in named if re.fullmatch(r"[a-z0-9-]+", name)]
        for name in named[:count]:
            version = min(found[name], key=lambda version: digest(name + version))
            components.append(component(kind, name, version, found[name][version]))
    application = {"type": "application", "name": "measured", "version": "1", "bom-ref": "root"}
    print(
        json.dumps(
            {
                "bomFormat": "CycloneDX",
                "specVersion": "1.6",
                "version": 1,
                "metadata": {"component": application},
                "components": components,
                "dependencies": [],
            }
        )
    )


main(sys.argv[1])
