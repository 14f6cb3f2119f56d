"""GitValue → one commit on the remote branch, whatever else happens there."""

from __future__ import annotations

import asyncio
import base64
import itertools
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
from apis import Api, Trouble
from handrail.contract import GitValue, Written
from handrail_receiver.errors import Cause, Permanent, Retryable, TargetError
from handrail_receiver.outside import Outside
from handrail_receiver.targets.git import Git
from ports.target_cases import git_commit, git_remote
from starlette.responses import Response

from .conftest import TOKEN

pytestmark = pytest.mark.anyio
VALUES = """\
# what runs in production
images:
  - name: web   # the shop
    newTag: v2  # handrail sets this
"""


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """The user who runs the receiver has configured nothing."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    return git_remote(tmp_path, "apps/values.yaml", VALUES)


@pytest.fixture
def step(remote: Path) -> GitValue:
    return GitValue(str(remote), "main", "apps/values.yaml", "images.0.newTag", "v1")


def asked(remote: Path, *words: str) -> str:
    return subprocess.run(["git", *words], cwd=remote, check=True, capture_output=True, text=True).stdout


def hook(remote: Path, script: str) -> None:
    """What the remote does before it takes a push."""
    file = remote / "hooks" / "pre-receive"
    file.parent.mkdir(exist_ok=True)
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)


async def test_only_the_value_s_own_characters_change(remote: Path, step: GitValue, outside: Outside) -> None:
    await Git(outside).act(step)
    assert asked(remote, "show", "main:apps/values.yaml") == VALUES.replace("v2", "v1")


async def test_the_commit_says_what_it_did_and_stands_on_the_head(
    remote: Path, step: GitValue, outside: Outside
) -> None:
    before = asked(remote, "rev-parse", "main")
    await Git(outside).act(step)
    assert asked(remote, "log", "-1", "--format=%P%n%an <%ae>%n%s", "main") == (
        f"{before}Handrail <handrail@localhost>\nSet images.0.newTag to v1, rolled back by Handrail\n"
    )


async def test_what_is_there_already_makes_no_commit(remote: Path, step: GitValue, outside: Outside) -> None:
    before = asked(remote, "rev-parse", "main")
    await Git(outside).act(replace(step, value="v2"))
    assert asked(remote, "rev-parse", "main") == before


async def test_other_files_and_modes_stay(remote: Path, step: GitValue, outside: Outside) -> None:
    git_commit(remote, "run.sh", "#!/bin/sh\n")
    before = asked(remote, "ls-tree", "-r", "main").splitlines()
    await Git(outside).act(step)
    after = asked(remote, "ls-tree", "-r", "main").splitlines()
    assert [line.split("\t")[1] for line in after] == ["apps/values.yaml", "run.sh"]
    assert after[1] == before[1]


async def test_a_push_by_somebody_else_in_between_is_worth_another_try_and_loses_nothing(
    remote: Path, step: GitValue, outside: Outside, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # While our fetch is answered, the remote takes somebody else's commit.
    meanwhile = tmp_path / "meanwhile"
    other = "commit refs/heads/main\ncommitter A <a@b> 1700000000 +0000\ndata 1\nx\nfrom refs/heads/main^0\n"
    (tmp_path / "other").write_text(f"{other}M 100644 inline other\ndata 2\nhi\n")
    meanwhile.write_text(
        f'#!/bin/sh\n[ -e {tmp_path}/once ] || git fast-import --quiet < {tmp_path}/other\ntouch {tmp_path}/once\nexec "$@"\n'
    )
    meanwhile.chmod(0o755)
    (tmp_path / "gitconfig").write_text(f"[uploadpack]\n  packObjectsHook = {meanwhile}\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    with pytest.raises(Retryable) as raised:
        await Git(outside).act(step)
    await Git(outside).act(step)
    assert raised.value.cause == Cause.conflict
    assert asked(remote, "ls-tree", "-r", "--name-only", "main").split() == ["apps/values.yaml", "other"]
    assert (await Git(outside).read(step)).done is True


async def test_a_branch_that_its_server_guards_is_a_refusal(
    remote: Path, step: GitValue, outside: Outside
) -> None:
    hook(remote, "echo 'main is protected: open a pull request' >&2; exit 1")
    with pytest.raises(Permanent) as raised:
        await Git(outside).act(step)
    assert (raised.value.cause, "main is protected" in str(raised.value)) == (Cause.refused, True)


@pytest.mark.parametrize(
    "said",
    [
        "GitLab: Internal API unreachable",
        "Internal Server Error",
        "error: 503 Service Unavailable",
        "policy service: connection refused",
        "the check timed out, try again later",
        "upstream request failed: Bad Gateway",
        "could not resolve host policy.example",
        "fatal: unable to write: No space left on device",
    ],
)
async def test_a_hook_whose_service_is_down_may_let_it_pass_in_a_moment(
    remote: Path, step: GitValue, outside: Outside, said: str
) -> None:
    hook(remote, f"echo '{said}' >&2; exit 1")
    with pytest.raises(Retryable) as raised:
        await Git(outside).act(step)
    assert (raised.value.cause, said in str(raised.value)) == (Cause.broken, True)


@pytest.mark.parametrize(
    ("status", "kind", "cause"),
    [
        (429, Retryable, Cause.busy),
        (500, Retryable, Cause.broken),
        (502, Retryable, Cause.broken),
        (503, Retryable, Cause.busy),
        (504, Retryable, Cause.timeout),
        (401, Permanent, Cause.refused),
        (403, Permanent, Cause.refused),
        (404, Permanent, Cause.missing),
    ],
)
async def test_what_a_git_server_answers_means_what_it_means_of_any_other(
    step: GitValue, outside: Outside, status: int, kind: type[TargetError], cause: Cause
) -> None:
    with Api() as api:
        api.queue = [Response(status_code=status) for _ in range(3)]
        with pytest.raises(TargetError) as raised:
            await Git(outside).read(replace(step, repository=f"{api.url}/x.git"))
    assert (isinstance(raised.value, kind), raised.value.cause) == (True, cause)


async def test_a_git_server_that_is_not_there_is_unreachable(step: GitValue, outside: Outside) -> None:
    for nobody in ("http://127.0.0.1:1/x.git", "git://127.0.0.1:1/x.git"):
        with pytest.raises(Retryable) as raised:
            await Git(outside).read(replace(step, repository=nobody))
        assert raised.value.cause == Cause.unreachable


@pytest.fixture
def signs(remote: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user who signs with an SSH key, and a remote that takes only what is signed by it. Gives the key."""
    key, allowed = tmp_path / "key", tmp_path / "allowed"
    making = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "bot@shop.example", "-f", str(key)]
    subprocess.run(making, check=True)
    allowed.write_text(f"bot@shop.example {(tmp_path / 'key.pub').read_text()}")
    with (remote / "config").open("a") as config:
        config.write(f'[gpg "ssh"]\n  allowedSignersFile = {allowed}\n')
    hook(remote, 'while read -r _ new _; do git verify-commit "$new" || exit 1; done')
    user = f"[user]\n  name = Bot\n  email = bot@shop.example\n  signingKey = {key}\n"
    (tmp_path / "gitconfig").write_text(f"{user}[commit]\n  gpgSign = true\n[gpg]\n  format = ssh\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    return key


async def test_it_signs_where_the_user_signs_and_as_that_user(
    remote: Path, step: GitValue, outside: Outside, signs: Path
) -> None:
    rehearsal = await Git(outside).rehearse(step)
    await Git(outside).act(step)
    assert (rehearsal.ready, (await Git(outside).read(step)).done) == (True, True)
    verified = asked(remote, "log", "-1", "--format=%G? %an <%ae> %cn <%ce>", "main")
    assert verified == "G Bot <bot@shop.example> Bot <bot@shop.example>\n"


async def test_a_key_that_is_not_there_is_found_out_by_a_rehearsal(
    remote: Path, step: GitValue, outside: Outside, signs: Path
) -> None:
    (signs.parent / "gitconfig").write_text("[commit]\n  gpgSign = true\n[gpg]\n  format = ssh\n")
    rehearsal = await Git(outside).rehearse(step)
    assert (rehearsal.ready, rehearsal.cause) == (False, Cause.refused)
    assert "git commit-tree failed" in rehearsal.reason


async def test_what_is_pinned_is_put_back_letter_for_letter(
    remote: Path, step: GitValue, outside: Outside
) -> None:
    before = VALUES.replace("v2", '"1234e56"')
    git_commit(remote, "apps/values.yaml", before)
    pinned = cast("GitValue", (await Git(outside).rehearse(replace(step, value=None))).step)
    git_commit(remote, "apps/values.yaml", VALUES.replace("v2", "v3"))
    await Git(outside).act(pinned)
    assert pinned == replace(step, value=Written('"1234e56"'))
    assert asked(remote, "show", "main:apps/values.yaml") == before
    assert asked(remote, "log", "-1", "--format=%s", "main") == (
        'Set images.0.newTag to "1234e56", rolled back by Handrail\n'
    )


async def test_a_large_file_holds_up_nothing_else(remote: Path, step: GitValue, outside: Outside) -> None:
    large = VALUES + "".join(f"k{n}:\n  - name: x{n}\n    tag: 'v{n}'  # why\n" for n in range(11000))
    assert len(large) > 400_000
    git_commit(remote, "apps/values.yaml", large)
    ticks: list[float] = []

    async def tick() -> None:
        while True:
            ticks.append(time.monotonic())
            await asyncio.sleep(0.005)

    ticking = asyncio.create_task(tick())
    await Git(outside).act(replace(step, timeout=60))
    ticking.cancel()
    gaps = sorted(after - before for before, after in itertools.pairwise(ticks))
    assert asked(remote, "show", "main:apps/values.yaml") == large.replace("v2", "v1", 1)
    assert gaps[len(gaps) * 9 // 10] < 0.1


async def test_our_own_hooks_and_repository_are_not_used(
    remote: Path, step: GitValue, outside: Outside, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    (hooks / "pre-push").write_text("#!/bin/sh\nexit 1\n")
    (hooks / "pre-push").chmod(0o755)
    (tmp_path / "gitconfig").write_text(f"[core]\n  hooksPath = {hooks}\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    await Git(outside).act(step)
    assert (await Git(outside).read(step)).done is True


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"branch": "prod"}, "git fetch failed: fatal: couldn't find remote ref refs/heads/prod"),
        ({"path": "apps/nothing.yaml"}, "apps/nothing.yaml is not a file on main; correct the path"),
        ({"path": "apps"}, "apps is not a file on main; correct the path"),
        (
            {"key": "images.1.newTag"},
            "there is no images.1.newTag, only images; correct the key",
        ),
        ({"key": "images"}, "images is not a single value; give the place inside it"),
    ],
)
async def test_what_is_not_there_is_found_out_by_a_rehearsal(
    step: GitValue, outside: Outside, wrong: dict[str, str], reason: str
) -> None:
    rehearsal = await Git(outside).rehearse(replace(step, **wrong))  # type: ignore[arg-type]
    assert (rehearsal.ready, rehearsal.reason) == (False, reason)


@pytest.fixture
def link(remote: Path) -> str:
    """A symbolic link on the branch."""
    commit = "commit refs/heads/main\ncommitter A <a@b> 1700000000 +0000\ndata 1\nx\nfrom refs/heads/main^0\n"
    stream = f"{commit}M 120000 inline link.yaml\ndata 11\n/etc/passwd\n"
    subprocess.run(["git", "fast-import", "--quiet"], cwd=remote, input=stream.encode(), check=True)
    return "link.yaml"


async def test_a_link_is_not_followed(link: str, step: GitValue, outside: Outside) -> None:
    with pytest.raises(Permanent) as raised:
        await Git(outside).read(replace(step, path=link))
    assert str(raised.value) == "link.yaml is not a file on main; correct the path"


@pytest.mark.parametrize(("user", "sent"), [("", "git"), ("x-token-auth@", "x-token-auth")])
async def test_a_token_goes_as_basic_authorization_to_this_repository_and_into_no_text(
    step: GitValue, outside: Outside, user: str, sent: str
) -> None:
    with Api() as api:
        api.trouble = Trouble.refused
        address = f"{api.url}/x.git".replace("//", f"//{user}", 1)
        rehearsal = await Git(outside).rehearse(replace(step, repository=address, token=TOKEN))
    basic = base64.b64encode(f"{sent}:{Api.token}".encode()).decode()
    assert {request.headers["authorization"] for request in api.requests} == {f"Basic {basic}"}
    assert (rehearsal.ready, basic in rehearsal.reason, Api.token in rehearsal.reason) == (
        False,
        False,
        False,
    )


async def test_nothing_is_left_behind(
    step: GitValue, outside: Outside, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    await Git(outside).act(step)
    assert list(folder.iterdir()) == []
