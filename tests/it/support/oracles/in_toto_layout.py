"""Makes a layout of in-toto with two steps, signed by a new owner.

usage: python in_toto_layout.py FOLDER FUNCTIONARY.pem

The functionary is to `fetch` a file, and then to `build` what is delivered from exactly that file. Writes FOLDER/root.layout and
FOLDER/owner.pub.
"""

import sys

from cryptography.hazmat.primitives.serialization import load_pem_public_key
from in_toto.models.layout import Layout, Step
from in_toto.models.metadata import Metablock
from securesystemslib.signer import CryptoSigner, SSlibKey


def main(folder, functionary):
    with open(functionary, "rb") as file:
        key = SSlibKey.from_crypto(load_pem_public_key(file.read()))
    owner = CryptoSigner.generate_ed25519()
    fetch = Step(name="fetch", pubkeys=[key.keyid])
    fetch.expected_products = [["CREATE", "main.c"], ["DISALLOW", "*"]]
    build = Step(name="build", pubkeys=[key.keyid])
    build.expected_materials = [["MATCH", "main.c", "WITH", "PRODUCTS", "FROM", "fetch"], ["DISALLOW", "*"]]
    build.expected_products = [["CREATE", "out/app"], ["ALLOW", "main.c"], ["DISALLOW", "*"]]
    layout = Layout(steps=[fetch, build])
    layout.keys = {key.keyid: {"keyid": key.keyid, **key.to_dict()}}
    layout.set_relative_expiration(days=1)
    signed = Metablock(signed=layout)
    signed.create_signature(owner)
    signed.dump(f"{folder}/root.layout")
    pem = owner.public_key.keyval["public"]
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(pem))
    with open(f"{folder}/owner.pub", "wb") as file:
        file.write(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


main(*sys.argv[1:])
