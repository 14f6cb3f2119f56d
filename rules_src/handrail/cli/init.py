"""A folder → a GitOps repository with one rollout to edit, and tokens. Existing files are not touched."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from handrail.errors import WrongCall, shown

STARTER = Path(__file__).with_name("starter")
FILES = (
    ("my_service.py", "rules_src/rollouts/my_service.py"),
    ("environments.py", "rules_src/environments.py"),
    ("handrail.toml", "handrail.toml"),
    ("README.md", "README.md"),
    ("check.sh", "check.sh"),
    ("pre-commit.yaml", ".pre-commit-config.yaml"),
    ("github.yml", ".github/workflows/guardrails.yml"),
    ("gitlab.yml", ".gitlab-ci.yml"),
    ("gitignore", ".gitignore"),
    ("gitattributes", ".gitattributes"),
)
"""What a repository begins with: the file in this package, and where it goes."""

CALLERS = (("alertmanager", "alertmanager"), ("viewer", "prometheus"), ("operator", "me"))
"""Who calls the receiver at first: role and name. Each has its token alone in a file as well."""
TOKENS = "secrets/tokens"
ALONE = {
    "alertmanager": "secrets/alertmanager-token",
    "viewer": "secrets/prometheus-token",
    "operator": "secrets/operator-token",
}


def start(folder: Path) -> list[str]:
    """Write the first files into `folder`; their paths. Raises WrongCall when one of them is there already."""
    wanted = [*(target for _, target in FILES), "secrets", "generated"]
    there = [target for target in wanted if os.path.lexists(folder / target)]
    if there:
        raise WrongCall(f"{shown(folder)} has {', '.join(there)} already; give the name of another folder")
    for source, target in FILES:
        place = folder / target
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes((STARTER / source).read_bytes())
        if place.suffix == ".sh":
            place.chmod(0o755)
    return [*(target for _, target in FILES), *_tokens(folder)]


def _tokens(folder: Path) -> list[str]:
    """New tokens for everybody who calls, readable by nobody else; their files."""
    given = [(role, name, secrets.token_hex(32)) for role, name in CALLERS]
    lines = "".join(f"{role} {name} {token}\n" for role, name, token in given)
    files = {TOKENS: lines, **{ALONE[role]: f"{token}\n" for role, _, token in given}}
    (folder / TOKENS).parent.mkdir(mode=0o700)
    for path, text in files.items():
        with os.fdopen(os.open(folder / path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
    return list(files)
