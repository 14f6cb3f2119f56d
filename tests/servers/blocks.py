"""Samples in OpenMetrics → blocks of Prometheus, from which one begins that is started in the same folder.

They lie on a disk, wherever the folder is: promtool and Prometheus reserve half a gigabyte for each block that they
write, and memory has to hold what is reserved.
"""

from __future__ import annotations

import atexit
import shutil
import subprocess
import tempfile
from pathlib import Path

from .process import program


def make_blocks(folder: Path, written: Path) -> None:
    """Make them of a file that ends with `# EOF`."""
    on_disk = "/var/tmp" if Path("/var/tmp").is_dir() else None
    home = Path(tempfile.mkdtemp(prefix="handrail-blocks-", dir=on_disk))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    data = folder / "prometheus-data"
    data.symlink_to(home)
    make: list[str | Path] = [program("promtool"), "tsdb", "create-blocks-from", "openmetrics"]
    subprocess.run([*make, written, data], check=True, capture_output=True, timeout=60)
