#!/usr/bin/env bash
# Signs with a P-256 key on a PKCS#11 token, with the PIN in PKCS11_PIN:
#   plimsoll attest … --key 'exec:examples/signers/pkcs11.sh /usr/lib/softhsm/libsofthsm2.so release'
set -euo pipefail
module=$1 label=$2

case $3 in
public-key)
    pkcs11-tool --module "$module" --read-object --type pubkey --label "$label" | openssl pkey -pubin -inform DER
    ;;
sign)
    # The token is given a digest, and its signature comes as DER.
    pkcs11-tool --module "$module" --login --pin env:PKCS11_PIN --label "$label" \
        --sign --mechanism ECDSA --signature-format openssl
    ;;
esac
