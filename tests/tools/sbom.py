"""What uv exports of uv.lock, and a wheel → its SBOM (CycloneDX): about that wheel, the same for the same wheel.

sbom.py EXPORTED WHEEL
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


def about(exported: dict[str, Any], wheel: bytes, at: datetime) -> dict[str, Any]:
    """The export with the wheel's digest, without what differs from one time to the next."""
    digest = hashlib.sha256(wheel).hexdigest()
    metadata = exported["metadata"]
    component = {
        **metadata["component"],
        "purl": f"pkg:pypi/handrail@{metadata['component']['version']}",
        "hashes": [{"alg": "SHA-256", "content": digest}],
    }
    return {
        **exported,
        "serialNumber": uuid.uuid5(uuid.NAMESPACE_OID, digest).urn,
        "metadata": {
            **metadata,
            "timestamp": at.isoformat().replace("+00:00", "Z"),
            "component": component,
        },
    }


if __name__ == "__main__":
    exported, wheel = map(Path, sys.argv[1:])
    at = datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), UTC)
    sys.stdout.write(
        json.dumps(about(json.loads(exported.read_text()), wheel.read_bytes(), at), indent=2) + "\n"
    )
