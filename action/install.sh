#!/usr/bin/env bash
# Fetches the released binary for this machine, checks it against the digest committed beside this script, and prints its path.
# Usage: install.sh SHA256SUMS BASE-URL DIRECTORY
# A line of SHA256SUMS is `<sha256>  plimsoll-<version>-<machine>-<system>`, and the file lies at BASE-URL/v<version>/.
# Exits with 66 where SHA256SUMS names no binary for this machine: then there is nothing that could be trusted.
set -euo pipefail

sums=$1 base=$2 directory=$3
platform=$(uname -m | sed 's/^arm64$/aarch64/')-$(uname -s | tr '[:upper:]' '[:lower:]')

entry=$(grep -E "^[0-9a-f]{64}  plimsoll-[0-9][0-9A-Za-z.]*-$platform\$" "$sums") || exit 66
expected=${entry%% *} name=${entry#*  }
version=${name#plimsoll-}
version=${version%-"$platform"}

sha256() {
  if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi <"$1" | cut -d ' ' -f 1
}

mkdir -p "$directory"
binary=$directory/$name
if [[ ! -f $binary || $(sha256 "$binary") != "$expected" ]]; then
  download=$(mktemp "$directory/download.XXXXXX")
  trap 'rm -f "$download"' EXIT
  curl --fail --silent --show-error --location --retry 3 --max-time 300 --output "$download" "$base/v$version/$name"
  found=$(sha256 "$download")
  if [[ $found != "$expected" ]]; then
    printf 'error: %s has another digest than this action was released with\n  expected %s\n  found    %s\n' "$name" "$expected" "$found" >&2
    exit 1
  fi
  chmod +x "$download"
  mv "$download" "$binary"
fi
printf '%s\n' "$binary"
