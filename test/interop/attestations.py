"""What pypi-attestations says of attestations. Reads JSON lines of {attestation, publisher, filename, sha256}, asks nobody, writes a line each:
"verified", or why not."""
import json
import sys

from pydantic import TypeAdapter
from pypi_attestations import Attestation, Distribution, Publisher

publishers = TypeAdapter(Publisher)

for line in sys.stdin:
    asked = json.loads(line)
    try:
        attestation = Attestation.model_validate_json(asked["attestation"])
        publisher = publishers.validate_python(asked["publisher"])
        attestation.verify(publisher, Distribution(name=asked["filename"], digest=asked["sha256"]), offline=True)
        said = "verified"
    except Exception as error:  # whatever it is, it is no verification
        said = f"{type(error).__name__}: {error}"
    print(json.dumps(said), flush=True)
