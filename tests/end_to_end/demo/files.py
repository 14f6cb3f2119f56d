"""Addresses → a folder with everything the stack reads: declarations, what `handrail generate` made of them, tokens.

The rollout is the one that stands in rules_src; only the environment is the demo's own, and it runs faster.
"""

from __future__ import annotations

import secrets
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from servers import free_address

HERE = Path(__file__).parent
ROLLOUT = Path("rules_src/rollouts/checkout.py")
REPOSITORY = HERE.parents[2]
FASTER = 20
ROLES = ("alertmanager", "viewer", "operator")

ENVIRONMENTS = '''"""Where the demo runs: on loopback, {faster} times faster than real time."""

from handrail.declare import Environment, Targets

demo = Environment(
    "demo",
    receiver="http://{receiver}",
    token_file="{alertmanager_token}",
    viewer_token_file="{viewer_token}",
    alertmanagers=["{alertmanager}"],
    scrape=[
        Targets("checkout", ["{stable}", "{canary}"]),
    ],
    faster={faster},
)
'''


class NotGenerated(Exception):
    """`handrail generate` refused; the message is what it said."""


@dataclass(frozen=True)
class Addresses:
    """Where each server listens: free ports on loopback."""

    shop: str = field(default_factory=free_address)
    stable: str = field(default_factory=free_address)
    canary: str = field(default_factory=free_address)
    receiver: str = field(default_factory=free_address)
    prometheus: str = field(default_factory=free_address)
    alertmanager: str = field(default_factory=free_address)


@dataclass(frozen=True)
class Files:
    """The demo's folder."""

    folder: Path

    @property
    def source(self) -> Path:
        """The declarations."""
        return self.folder / "rules_src"

    @property
    def generated(self) -> Path:
        """What the compiler made of them."""
        return self.folder / "generated"

    @property
    def tokens(self) -> Path:
        """The receiver's tokens, a line for each role."""
        return self.folder / "tokens"

    def token(self, role: str) -> Path:
        """The file that holds the token of one role and nothing else."""
        return self.folder / f"{role}.token"


def write(folder: Path, addresses: Addresses, *, faster: int = FASTER) -> Files:
    """Write the declarations and the tokens, and let the compiler make the rest."""
    files = Files(folder)
    (files.source / "rollouts").mkdir(parents=True)
    shutil.copy(REPOSITORY / ROLLOUT, files.source / "rollouts")
    shutil.copy(HERE / "haproxy.cfg", folder)
    _write_tokens(files)
    (files.source / "environments.py").write_text(
        ENVIRONMENTS.format(
            **vars(addresses),
            alertmanager_token=files.token("alertmanager"),
            viewer_token=files.token("viewer"),
            faster=faster,
        )
    )
    generate(files)
    return files


def _write_tokens(files: Files) -> None:
    for path in (files.tokens, *map(files.token, ROLES)):
        path.touch(mode=0o600)
    for role in ROLES:
        files.token(role).write_text(secrets.token_hex(8))
    files.tokens.write_text("".join(f"{role} demo {files.token(role).read_text()}\n" for role in ROLES))


def generate(files: Files) -> None:
    """Run the compiler as a user would."""
    handrail = Path(sys.executable).with_name("handrail")
    argv = [str(handrail), "generate", "--source", "rules_src", "--out", "generated"]
    done = subprocess.run(argv, cwd=files.folder, capture_output=True, text=True, check=False, timeout=60)
    if done.returncode:
        raise NotGenerated(done.stderr.strip() or done.stdout.strip())
