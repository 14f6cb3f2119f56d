"""A folder → a GitOps repository with one rollout to edit. Existing files are not touched."""

from __future__ import annotations

import os
from pathlib import Path

from handrail.errors import WrongCall, shown

STARTER = Path(__file__).with_name("starter")
FILES = (
    ("my_service.py", "rules_src/rollouts/my_service.py"),
    ("environments.py", "rules_src/environments.py"),
    ("README.md", "README.md"),
    ("check.sh", "check.sh"),
    ("pre-commit.yaml", ".pre-commit-config.yaml"),
    ("github.yml", ".github/workflows/guardrails.yml"),
    ("gitlab.yml", ".gitlab-ci.yml"),
    ("gitignore", ".gitignore"),
    ("gitattributes", ".gitattributes"),
)
"""What a repository begins with: the file in this package, and where it goes."""


def start(folder: Path) -> list[str]:
    """Write the first files into `folder`; their paths. Raises WrongCall when one of them is there already."""
    wanted = [*(target for _, target in FILES), "generated"]
    there = [target for target in wanted if os.path.lexists(folder / target)]
    if there:
        raise WrongCall(f"{shown(folder)} has {', '.join(there)} already; give the name of another folder")
    for source, target in FILES:
        place = folder / target
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes((STARTER / source).read_bytes())
        if place.suffix == ".sh":
            place.chmod(0o755)
    return [target for _, target in FILES]
