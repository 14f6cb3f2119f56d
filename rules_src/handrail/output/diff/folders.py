"""{path: text} of a generated/ folder → the same for each environment: those with a folder of their own, or the only one."""

from __future__ import annotations

import json
from collections.abc import Mapping

Files = Mapping[str, str]


def by_environment(files: Files) -> dict[str, Files]:
    """Environment → its files by their paths in a folder of one environment.

    An environment is known by its playbooks. Without a folder it is called as these say.
    """
    parts = {path: path.split("/") for path in files}
    names = {one[0] for one in parts.values() if len(one) == 3 and one[1] == "playbook"}
    environments: dict[str, Files] = {
        name: {
            path.removeprefix(f"{name}/"): files[path]
            for path, one in parts.items()
            if one[0] == name and not _is_alone(one)
        }
        for name in names
    }
    alone = [path for path, one in parts.items() if _is_alone(one)]
    if alone:
        name = json.loads(files[alone[0]]).get("environment", "")
        foldered = {f"{one}/{path}" for one, texts in environments.items() for path in texts}
        environments[name] = {path: text for path, text in files.items() if path not in foldered}
    return environments


def _is_alone(parts: list[str]) -> bool:
    """Whether it is a playbook that lies in no environment's folder."""
    return len(parts) == 2 and parts[0] == "playbook"
