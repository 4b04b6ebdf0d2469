"""Validates CycloneDX documents against the schemas of their versions with cyclonedx-python-lib, unknown properties refused.

usage: python cyclonedx_strict.py DOCUMENT…
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
        quit(2, "usage: python cyclonedx_strict.py DOCUMENT…")
    try:
        from cyclonedx.schema import SchemaVersion
        from cyclonedx.validation.json import JsonStrictValidator
    except ImportError as error:
        quit(2, str(error))

    validators = {}

    def refusal(document):
        try:
            version = SchemaVersion.from_version(json.loads(document)["specVersion"])
        except Exception as error:  # no JSON, or of no version
            return f"{type(error).__name__}: {error}"
        # Making one takes longer than using it.
        validator = validators.setdefault(version, JsonStrictValidator(version))
        flaw = validator.validate_str(document)
        return None if flaw is None else str(flaw.data)

    refusals = []
    for path in paths:
        try:
            with open(path, encoding="utf-8") as file:
                refusals.append(refusal(file.read()))
        except OSError as error:
            quit(2, str(error))
    print(json.dumps(refusals))
    sys.exit(0 if all(found is None for found in refusals) else 1)


main(sys.argv[1:])
