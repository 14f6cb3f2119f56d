"""A folder → a GitOps repository, or a part of one, with one rollout to edit, and tokens. Existing files are not touched."""

from __future__ import annotations

import json
import os
import re
import secrets
import shlex
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
AT_THE_TOP = (".pre-commit-config.yaml", ".github/workflows/guardrails.yml", ".gitlab-ci.yml")
"""What is read at the top of a repository alone."""
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
    prefix = below_the_top(folder)
    for source, target in FILES:
        place = folder / target
        place.parent.mkdir(parents=True, exist_ok=True)
        text = (STARTER / source).read_text(encoding="utf-8")
        place.write_text(_seen_from_the_top(text, prefix) if target in AT_THE_TOP else text, encoding="utf-8")
        if place.suffix == ".sh":
            place.chmod(0o755)
    return [*(target for _, target in FILES), *_tokens(folder)]


def below_the_top(folder: Path) -> str:
    """Where the folder lies in the Git repository that holds it, as in `teams/guardrails/`; empty where it is the top."""
    here = folder.resolve()
    tops = [one for one in (here, *here.parents) if (one / ".git").exists()]
    return f"{here.relative_to(tops[0]).as_posix()}/" if tops and tops[0] != here else ""


def _seen_from_the_top(text: str, prefix: str) -> str:
    """A file that is read at the top of a repository, for a folder in it."""
    if not prefix:
        return text
    place = prefix.removesuffix("/")
    folders = f"--source {shlex.quote(f'{prefix}rules_src')} --out {shlex.quote(f'{prefix}generated')}"
    for as_written, below in (
        ("jobs:\n", f"defaults:\n  run: {{working-directory: {_scalar(place)}}}\njobs:\n"),
        ("  script:\n", f"  script:\n    - {_scalar(f'cd {shlex.quote(place)}')}\n"),
        ("[guardrails.md]", f"[{_scalar(f'{prefix}guardrails.md')}]"),
        ("--out base/generated", f"--out {shlex.quote(f'base/{prefix}generated')}"),
        ("handrail generate --check\n", f"{_scalar(f'handrail generate --check {folders}')}\n"),
        ("^(rules_src|generated)/", _scalar(f"^{re.escape(prefix)}(rules_src|generated)/")),
    ):
        text = text.replace(as_written, below)
    return text


def _scalar(text: str) -> str:
    """The text as YAML reads it back, in quotes where it needs them."""
    return text if re.fullmatch(r"[\w./^()| -]+", text) else json.dumps(text)


def _tokens(folder: Path) -> list[str]:
    """New tokens for everybody who calls, readable by nobody else; their files."""
    tokens = [(role, name, secrets.token_hex(32)) for role, name in CALLERS]
    lines = "".join(f"{role} {name} {token}\n" for role, name, token in tokens)
    files = {TOKENS: lines, **{ALONE[role]: f"{token}\n" for role, _, token in tokens}}
    (folder / TOKENS).parent.mkdir(mode=0o700)
    for path, text in files.items():
        with os.fdopen(os.open(folder / path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
    return list(files)
