"""Addresses → a folder with everything the stack reads: declarations, what `handrail generate` made of them, tokens.

The rollout is the one that is in rules_src. The environment is the demo's own: it runs faster, and the rollout goes
through its stages automatically here, with one approval.
"""

from __future__ import annotations

import secrets
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from servers import free_address

HERE = Path(__file__).parent
ROLLOUT = Path("rules_src/rollouts/checkout.py")
REPOSITORY = HERE.parents[2]
HANDRAIL = Path(sys.executable).with_name("handrail")
FASTER = 20
PEOPLE = {"alertmanager": "alertmanager", "viewer": "demo", "operator": "olga", "approver": "anna"}
"""Who holds the token of each role: whoever started a rollout may not approve it."""

ENVIRONMENTS = '''"""Where the demo runs: on loopback, {faster} times faster than real time."""

from handrail.declare import Environment, ForRollout, Gate, Stage, Targets

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
    overrides=[
        ForRollout(
            "checkout",
            stages=[
                Stage("10%", weight="10%", bake="7m", advance="when-met"),
                Stage(
                    "50%", weight="50%", bake="7m", advance="when-met", gate=Gate(approvals=["release-manager"])
                ),
                Stage("100%", weight="100%", bake="7m", advance="when-met"),
            ],
        )
    ],
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

    @property
    def key(self) -> Path:
        """The key by which the receiver signs bundles."""
        return self.folder / "key.pem"

    @property
    def public_key(self) -> Path:
        """Its other half, for whoever checks them."""
        return self.folder / "key.pub.pem"


def write(
    folder: Path, addresses: Addresses, *, faster: int = FASTER, handrail: str | Path = HANDRAIL
) -> Files:
    """Write the declarations and the tokens, and let the compiler make the rest."""
    files = Files(folder)
    (files.source / "rollouts").mkdir(parents=True)
    shutil.copy(REPOSITORY / ROLLOUT, files.source / "rollouts")
    shutil.copy(HERE / "haproxy.cfg", folder)
    write_tokens(files)
    write_key(files)
    (files.source / "environments.py").write_text(
        ENVIRONMENTS.format(
            **vars(addresses),
            alertmanager_token=files.token("alertmanager"),
            viewer_token=files.token("viewer"),
            faster=faster,
        )
    )
    generate(files, handrail)
    return files


def write_tokens(files: Files) -> None:
    """A new token for each role, which nobody has seen: the file of all, and one for each."""
    for path in (files.tokens, *map(files.token, PEOPLE)):
        path.touch(mode=0o600)
    for role in PEOPLE:
        files.token(role).write_text(secrets.token_hex(8))
    lines = [f"{role} {name} {files.token(role).read_text()}\n" for role, name in PEOPLE.items()]
    files.tokens.write_text("".join(lines))


def write_key(files: Files) -> None:
    key = Ed25519PrivateKey.generate()
    files.key.touch(mode=0o600)
    files.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    files.public_key.write_bytes(public)


def generate(files: Files, handrail: str | Path = HANDRAIL) -> None:
    """Run the compiler as a user would."""
    argv = [str(handrail), "generate", "--source", "rules_src", "--out", "generated"]
    done = subprocess.run(argv, cwd=files.folder, capture_output=True, text=True, check=False, timeout=60)
    if done.returncode:
        raise NotGenerated(done.stderr.strip() or done.stdout.strip())
