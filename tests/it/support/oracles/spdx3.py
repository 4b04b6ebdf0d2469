"""Reads SPDX 3.0.1 documents with spdx-python-model, and looks that no element is named that is not there.

usage: python spdx3.py DOCUMENT…
out:   a JSON array with, for each document, null or the reason why it is refused
exit:  0 all are valid, 1 one is refused, 2 usage, or the oracle is not installed
"""

import json
import sys


def quit(status, text):
    print(text, file=sys.stderr)
    sys.exit(status)


def main(paths):
    if not paths:
        quit(2, "usage: python spdx3.py DOCUMENT…")
    try:
        from spdx_python_model import v3_0_1 as spdx3
    except ImportError as error:
        quit(2, str(error))

    def refusal(path):
        elements = spdx3.SHACLObjectSet()
        try:
            with open(path, "rb") as file:
                spdx3.JSONLDDeserializer().read(file, elements)
        except Exception as error:
            return f"{type(error).__name__}: {error}"
        elements.link()
        missing = sorted(elements.missing_ids)
        if missing:
            return f"not there: {missing}"
        documents = list(elements.foreach_type("SpdxDocument"))
        return None if len(documents) == 1 else f"{len(documents)} documents"

    refusals = [refusal(path) for path in paths]
    print(json.dumps(refusals))
    sys.exit(0 if all(found is None for found in refusals) else 1)


main(sys.argv[1:])
