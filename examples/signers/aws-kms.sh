#!/usr/bin/env bash
# Signs with a key of AWS KMS (ECC_NIST_P256 or ECC_NIST_P384, SIGN_VERIFY):
#   plimsoll attest … --key 'exec:examples/signers/aws-kms.sh alias/release'
set -euo pipefail
key=$1

case $2 in
public-key)
    public=$(aws kms get-public-key --key-id "$key" --query PublicKey --output text)
    echo '-----BEGIN PUBLIC KEY-----'
    echo "$public" | fold -w 64
    echo '-----END PUBLIC KEY-----'
    ;;
sign)
    case $3 in
    ecdsa-p256-sha256) algorithm=ECDSA_SHA_256 ;;
    ecdsa-p384-sha384) algorithm=ECDSA_SHA_384 ;;
    *) echo "no keys of AWS KMS sign by $3" >&2 && exit 1 ;;
    esac
    digest=$(mktemp)
    trap 'rm -f "$digest"' EXIT
    cat > "$digest"
    signature=$(aws kms sign --key-id "$key" --signing-algorithm "$algorithm" --message-type DIGEST \
        --message "fileb://$digest" --query Signature --output text)
    echo "$signature" | base64 -d
    ;;
esac
