"""Validates CycloneDX documents against the schemas of their versions with cyclonedx-python-lib, JSON and XML, unknown
properties refused.

usage: python cyclonedx_strict.py DOCUMENT…
out:   a JSON array with, for each document, null or the reason why it is refused
exit:  0 all are valid, 1 one is refused, 2 usage, or the oracle is not installed
"""

import json
import re
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
        from cyclonedx.validation.xml import XmlValidator
    except ImportError as error:
        quit(2, str(error))

    validators = {}

    def version_of(document):
        if document.lstrip().startswith("<"):
            return re.search(r"http://cyclonedx\.org/schema/bom/([0-9.]+)", document)[1], XmlValidator
        return json.loads(document)["specVersion"], JsonStrictValidator

    def refusal(document):
        try:
            version, kind = version_of(document)
            version = SchemaVersion.from_version(version)
        except Exception as error:  # neither JSON nor XML, or of no version
            return f"{type(error).__name__}: {error}"
        # Making one takes longer than using it.
        validator = validators.setdefault((version, kind), kind(version))
        try:
            flaw = validator.validate_str(document)
        except Exception as error:  # XML that is none
            return f"{type(error).__name__}: {error}"
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
