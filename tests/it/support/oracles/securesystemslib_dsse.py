"""Verifies the DSSE envelope of a bundle, or one by itself, with securesystemslib.

usage: python securesystemslib_dsse.py BUNDLE PUBKEY.pem
exit:  0 verified, 1 refused (the reason is on stderr), 2 usage, or the oracle is not installed
"""

import json
import sys

IN_TOTO = "application/vnd.in-toto+json"


def quit(status, text):
    print(text, file=sys.stderr)
    sys.exit(status)


def main(arguments):
    if len(arguments) != 2:
        quit(2, "usage: python securesystemslib_dsse.py BUNDLE PUBKEY.pem")
    try:
        from cryptography.hazmat.primitives.serialization import load_pem_public_key
        from securesystemslib.dsse import Envelope
        from securesystemslib.signer import SSlibKey

        with open(arguments[0], "rb") as file:
            bundle = file.read()
        with open(arguments[1], "rb") as file:
            key = file.read()
    except (ImportError, OSError) as error:
        quit(2, str(error))
    try:
        document = json.loads(bundle)
        envelope = Envelope.from_dict(document.get("dsseEnvelope", document))
        trusted = SSlibKey.from_crypto(load_pem_public_key(key))
        # The library compares key ids before it looks at a signature; ours are empty.
        trusted.keyid = ""
        envelope.verify([trusted], 1)
        if envelope.payload_type != IN_TOTO:
            raise ValueError(f"the payload is {envelope.payload_type}")
    except Exception as error:  # whatever the library does not like is a refusal
        quit(1, f"refused: {type(error).__name__}: {error}")


main(sys.argv[1:])
