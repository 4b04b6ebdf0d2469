#!/usr/bin/env python3
"""Makes the example images: an approved base, a bad build of a small application, and the mended one.

Each is an OCI image layout in a tar file (`oci-archive:`). Nothing but Python's standard library is needed, nothing is
fetched, and the same bytes come out every time. The packages are named, not shipped: what an inventory is made from is
their metadata, written here.

    python3 examples/make.py
"""

import gzip
import hashlib
import io
import json
import pathlib
import tarfile

HERE = pathlib.Path(__file__).parent
CREATED = "2026-11-01T00:00:00Z"
OS_RELEASE = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nNAME="Debian GNU/Linux"\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\nID=debian\n'
PASSWD = "root:x:0:0:root:/root:/bin/bash\nnode:x:1000:1000::/home/node:/bin/bash\n"


def package(name, version, source=None, depends=None):
    lines = [f"Package: {name}", "Status: install ok installed", "Architecture: amd64", f"Version: {version}"]
    lines += [f"Source: {source}"] if source else []
    lines += [f"Depends: {depends}"] if depends else []
    lines += ["Maintainer: Debian Maintainers <debian@example.org>", f"Description: {name}"]
    return "\n".join(lines) + "\n"


def dpkg(openssl):
    # dpkg ends each package with an empty line, the last one too.
    return "".join(
        stanza + "\n"
        for stanza in [
            package("base-files", "12.4+deb12u12"),
            package("libc6", "2.36-9+deb12u13", source="glibc"),
            package("libssl3", openssl, source="openssl", depends="libc6 (>= 2.34)"),
            package("zlib1g", "1:1.2.13.dfsg-1", source="zlib", depends="libc6 (>= 2.14)"),
        ]
    )


def module(name, version, dependencies=None):
    manifest = {"name": name, "version": version, "license": "MIT"}
    if dependencies:
        manifest["dependencies"] = dependencies
    return json.dumps(manifest, indent=2) + "\n"


def application(lodash, minimist):
    modules = {"lodash": (lodash, None), "minimist": (minimist, None), "qs": ("6.10.1", {"side-channel": "^1.0.4"}), "side-channel": ("1.0.4", None)}
    files = {f"srv/app/node_modules/{name}/package.json": module(name, *rest) for name, rest in modules.items()}
    files["srv/app/server.js"] = "require('http').createServer((_, answer) => answer.end('ok')).listen(8080)\n"
    return files


def layer(files):
    tar_bytes = io.BytesIO()
    with tarfile.open(fileobj=tar_bytes, mode="w", format=tarfile.PAX_FORMAT) as tar:
        directories = sorted({str(parent) for path in files for parent in pathlib.PurePosixPath(path).parents} - {"."})
        for directory in directories:
            entry = tarfile.TarInfo(directory)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(entry)
        for path, text in sorted(files.items()):
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(text.encode()), 0o644
            tar.addfile(entry, io.BytesIO(text.encode()))
    inflated = tar_bytes.getvalue()
    return gzip.compress(inflated, mtime=0), "sha256:" + hashlib.sha256(inflated).hexdigest()


class Layout:
    def __init__(self):
        self.blobs = {}

    def add(self, media_type, content):
        digest = hashlib.sha256(content).hexdigest()
        self.blobs[f"blobs/sha256/{digest}"] = content
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(content)}

    def write(self, path, manifest, tag):
        index = {"schemaVersion": 2, "manifests": [manifest | {"annotations": {"org.opencontainers.image.ref.name": tag}}]}
        files = self.blobs | {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}', "index.json": json.dumps(index).encode()}
        with tarfile.open(path, mode="w", format=tarfile.PAX_FORMAT) as tar:
            for name, content in sorted(files.items()):
                entry = tarfile.TarInfo(name)
                entry.size, entry.mode = len(content), 0o644
                tar.addfile(entry, io.BytesIO(content))


def image(name, tag, layers, config):
    layout = Layout()
    packed = [(layer(files), command) for files, command in layers]
    configuration = {
        "created": CREATED,
        "architecture": "amd64",
        "os": "linux",
        "config": config,
        "rootfs": {"type": "layers", "diff_ids": [diff_id for (_, diff_id), _ in packed]},
        "history": [{"created": CREATED, "created_by": command} for _, command in packed],
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": layout.add("application/vnd.oci.image.config.v1+json", json.dumps(configuration).encode()),
        "layers": [layout.add("application/vnd.oci.image.layer.v1.tar+gzip", blob) for (blob, _), _ in packed],
    }
    descriptor = layout.add("application/vnd.oci.image.manifest.v1+json", json.dumps(manifest).encode())
    (HERE / "images").mkdir(exist_ok=True)
    layout.write(HERE / "images" / f"{name}.tar", descriptor, tag)


def base_files(openssl, motd=None):
    files = {"etc/os-release": OS_RELEASE, "etc/passwd": PASSWD, "var/lib/dpkg/status": dpkg(openssl)}
    return files | ({"etc/motd": motd} if motd else {})


APPROVED = (base_files("3.0.17-1~deb12u3"), "debian.sh --arch amd64 bookworm")
HOMEMADE = (base_files("3.0.11-1~deb12u1", motd="built on somebody's laptop\n"), "COPY rootfs / # buildkit")

image("base", "12", [APPROVED], {"Cmd": ["bash"]})
image(
    "bad",
    "1",
    [HOMEMADE, (application("4.17.20", "1.2.5"), "COPY . /srv/app # buildkit")],
    {"Cmd": ["node", "/srv/app/server.js"], "WorkingDir": "/srv/app"},
)
image(
    "good",
    "2",
    [APPROVED, (application("4.17.21", "1.2.8"), "COPY . /srv/app # buildkit")],
    {
        "User": "1000:1000",
        "Cmd": ["node", "/srv/app/server.js"],
        "WorkingDir": "/srv/app",
        "Healthcheck": {"Test": ["CMD", "node", "-e", "require('http').get('http://localhost:8080')"], "Interval": 30000000000},
    },
)
