"""Validates a CycloneDX document against the schema of its version with cyclonedx-python-lib, unknown properties refused.

usage: python cyclonedx_strict.py DOCUMENT
exit:  0 valid, 1 refused (the reason is on stderr), 2 usage, or the oracle is not installed
"""

import json
import sys


def quit(status, text):
    print(text, file=sys.stderr)
    sys.exit(status)


def main(arguments):
    if len(arguments) != 1:
        quit(2, "usage: python cyclonedx_strict.py DOCUMENT")
    try:
        from cyclonedx.schema import SchemaVersion
        from cyclonedx.validation.json import JsonStrictValidator

        with open(arguments[0], encoding="utf-8") as file:
            document = file.read()
    except (ImportError, OSError) as error:
        quit(2, str(error))
    try:
        version = SchemaVersion.from_version(json.loads(document)["specVersion"])
    except Exception as error:  # no JSON, or of no version
        quit(1, f"refused: {type(error).__name__}: {error}")
    flaw = JsonStrictValidator(version).validate_str(document)
    if flaw is not None:
        quit(1, f"refused: {flaw.data}")


main(sys.argv[1:])
