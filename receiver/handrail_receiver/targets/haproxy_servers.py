"""The answer to `show servers state` → the servers of one backend, as this node has them."""

from __future__ import annotations

from dataclasses import dataclass

from handrail_receiver.errors import Cause, Permanent, Retryable

# srv_admin_state: maintenance, forced, inherited or for lack of an address; and drain, forced or inherited
FORCED_MAINTENANCE, MAINTENANCE = 0x01, 0x01 | 0x02 | 0x20
FORCED_DRAIN, DRAIN = 0x08, 0x08 | 0x10
STOPPED, STOPPING = 0, 3  # srv_op_state
AGENT_ENABLED = 0x02 | 0x04  # srv_agent_state: configured, and not disabled


@dataclass(frozen=True)
class Server:
    """One server on one node: its state (`ready`, `drain`, `maint`), weights, and whether an agent sets them.

    `hindrance` says why it takes no traffic whatever its weight is, empty when it does.
    """

    name: str
    state: str
    hindrance: str
    weight: int
    initial: int
    agent: bool


def servers_in(answer: str, socket: str) -> tuple[Server, ...]:
    """A line with the version, `# be_id be_name …`, one line for each server, and an empty line at the end.

    Raises Retryable when the end is missing, Permanent when it is another table.
    """
    if not answer.endswith("\n\n"):
        raise Retryable(Cause.broken, f"{socket} broke off its answer")
    lines = [line for line in answer.splitlines() if line and not line.isdigit()]
    if not lines or not lines[0].startswith("# "):
        raise Permanent(Cause.invalid, f"{socket} said {answer[:80]!r} for its servers; is it HAProxy?")
    names = lines[0].removeprefix("# ").split(" ")
    try:
        return tuple(_server(dict(zip(names, line.split(" "), strict=False))) for line in lines[1:])
    except (KeyError, ValueError):
        raise Permanent(
            Cause.invalid, f"{socket} shows its servers in a form that is not known; which HAProxy is it?"
        ) from None


def _server(row: dict[str, str]) -> Server:
    admin, agent = int(row["srv_admin_state"]), int(row["srv_agent_state"])
    down = int(row["srv_op_state"]) in {STOPPED, STOPPING}
    return Server(
        name=row["srv_name"],
        state="maint" if admin & FORCED_MAINTENANCE else "drain" if admin & FORCED_DRAIN else "ready",
        hindrance="MAINT" if admin & MAINTENANCE else "DRAIN" if admin & DRAIN else "DOWN" if down else "",
        weight=int(row["srv_uweight"]),
        initial=int(row["srv_iweight"]),
        agent=agent & AGENT_ENABLED == AGENT_ENABLED,
    )
