#!/bin/sh
# Makes `tool.sqlite` with rpm and Python: the database after one package was installed, without the tables that only index it.
# Each file of the package holds the digit 1; one is verified by nobody, one is configuration, one is a ghost, one a document.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
cat > "$work/tool.spec" <<'SPEC'
Name: tool
Version: 1
Release: 1
Summary: A tool
License: MIT
BuildArch: noarch
%description
A tool.
%install
mkdir -p %{buildroot}/usr/bin %{buildroot}/etc %{buildroot}/usr/share/tool %{buildroot}/usr/share/doc/tool
for file in /usr/bin/tool /usr/bin/kept /usr/share/tool/free /etc/tool.conf /usr/share/tool/cache /usr/share/doc/tool/README; do
    printf 1 > %{buildroot}$file
done
ln -s tool %{buildroot}/usr/bin/link
%files
/usr/bin/tool
/usr/bin/kept
/usr/bin/link
%verify(not md5) /usr/share/tool/free
%config /etc/tool.conf
%ghost /usr/share/tool/cache
%doc /usr/share/doc/tool/README
SPEC
SOURCE_DATE_EPOCH=0 rpmbuild -bb --define "_topdir $work/top" --define "_build_id_links none" \
    --define "_buildhost host" --define "use_source_date_epoch_as_buildtime 1" "$work/tool.spec"
mkdir "$work/root"
rpm --root "$work/root" --dbpath /db -i --nodeps "$work"/top/RPMS/noarch/tool-1-1.noarch.rpm
python3 - "$work/root/db/rpmdb.sqlite" "$here/tool.sqlite" <<'PYTHON'
import os, sqlite3, sys
database = sqlite3.connect(sys.argv[1])
database.execute("PRAGMA journal_mode = DELETE")
tables = database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
for (table,) in tables:
    if table not in ("Packages", "sqlite_sequence"):
        database.execute(f'DROP TABLE "{table}"')
database.commit()
database.execute("PRAGMA page_size = 512")
database.execute("VACUUM")
database.close()
os.replace(sys.argv[1], sys.argv[2])
PYTHON
