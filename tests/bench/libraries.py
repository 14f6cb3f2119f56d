"""`make bench-libraries`: our own code beside the library that would do the same, each figure of the decision in one run.

docs/decisions/hand-written-or-a-library.md has the figures and what was decided.
"""

from __future__ import annotations

import asyncio
import io
import json
import re
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from importlib import import_module
from typing import Any

from handrail.units import duration
from handrail_receiver.outside.json_pointer import value_at
from handrail_receiver.targets.document import with_value
from handrail_receiver.web.events import Events
from handrail_receiver.web.openapi import document
from pydantic import TypeAdapter, ValidationError

FORMS = {
    "plain": "tag: @\n",
    "a comment behind it": "tag: @ # why\nb: 1\n",
    "aligned comments": "tag:  @     # one\nother: x  # two\n",
    "single quotes elsewhere": "tag: @\nb: 'x'\n",
    "double quotes elsewhere": 'tag: @\nb: "x"\n',
    "JSON": '{"image": {"tag": "@"}, "n": 1}',
    "flow style": "a: {tag: @, c: [1, 2]}\n",
    "flow style with spaces": "a: { tag: @ }\n",
    "a list at the margin": "a:\n- tag: @\n- b\n",
    "a list that is indented": "a:\n    - tag: @\n    - b\n",
    "four spaces": "a:\n    tag: @\n    b:\n        c: 1\n",
    "CRLF": "tag: @\r\nb: 2\r\n",
    "a byte order mark": "\ufefftag: @\n",
    "no last newline": "tag: @",
    "blank lines": "a: 1\n\n\ntag: @\n\n\n",
    "a document's marks": "---\ntag: @\n...\n",
    "null as a tilde": "tag: @\nb: ~\n",
    "null as nothing": "tag: @\nb:\nc: null\n",
    "on as a key": "on: push\ntag: @\n",
    "numbers as they are written": "tag: @\nb: 0x1F\nc: 1_000\nd: 0.50\n",
    "a folded text": "tag: @\nb: >\n  one\n  two\n",
    "a long line": f"tag: @\nb: {'word ' * 40}end\n",
}
LARGE = "".join(f"service-{n}:\n  image: {{tag: v{n}}}\n  replicas: {n}\n" for n in range(11_000))


def cpu(work: Callable[[], object], times: int = 1) -> float:
    """Seconds of processor time that one call takes."""
    began = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - began) / times


def by_ruamel(text: str, key: str, value: str) -> str:
    """The same change by ruamel.yaml, which is told to keep what it can."""
    yaml = import_module("ruamel.yaml").YAML()
    yaml.preserve_quotes, yaml.width = True, 1_000_000
    whole = yaml.load(text)
    *above, last = (int(part) if part.isdigit() else part for part in key.split("."))
    inside = whole
    for part in above:
        inside = inside[part]
    inside[last] = value
    written = io.StringIO()
    yaml.dump(whole, written)
    return written.getvalue()


def key_of(form: str) -> str:
    """Where the value stands."""
    for beginning, key in (
        ('{"image"', "image.tag"),
        ("a: {", "a.tag"),
        ("a:\n    tag", "a.tag"),
        ("a:\n", "a.0.tag"),
    ):
        if form.startswith(beginning):
            return key
    return "tag"


def yaml_in_git() -> Iterator[str]:
    """One value changed, all else byte for byte."""
    for name, change in (("targets/document.py", with_value), ("ruamel.yaml", by_ruamel)):
        same, failed, changed = 0, 0, 0
        for form in FORMS.values():
            before, after = form.split("@")
            try:
                text = change(form.replace("@", "v1"), key_of(form), "v2")
            except Exception:  # noqa: BLE001  whatever a library raises
                failed += 1
                continue
            kept = text.startswith(before) and text.endswith(after) and "v2" in text
            same, changed = same + kept, changed + (not kept)
        took = cpu(lambda change=change: change(LARGE, "service-7.image.tag", "v2"))  # type: ignore[misc]
        yield f"{name}: {same} of {len(FORMS)} byte for byte, {failed} fail, {changed} changed elsewhere; {len(LARGE) // 1000} kB in {took:.1f} s"


async def listened(app: Any, send_all: Callable[[], None]) -> None:
    """50 listeners of one stream, until it ends."""

    async def listen() -> None:
        async def nothing() -> dict[str, str]:
            await asyncio.sleep(3600)
            raise AssertionError

        async def taken(_: Any) -> None:
            return

        await app({"type": "http", "method": "GET", "headers": []}, nothing, taken)

    async with asyncio.TaskGroup() as group:
        for _ in range(50):
            group.create_task(listen())
        await asyncio.sleep(0.05)
        for _ in range(200):
            send_all()
            await asyncio.sleep(0)
        send_all()


def server_sent_events() -> Iterator[str]:
    """200 events to 50 listeners, without a network."""
    library = import_module("sse_starlette")

    async def ours() -> None:
        events, left = Events(), [200]

        def send() -> None:
            if left[0]:
                left[0] -= 1
                events._send("decision", rollout="shop", text="x")
            else:
                events.close()

        async def app(scope: Any, receive: Any, answer: Any) -> None:
            response = await events.stream(None, None)  # type: ignore[arg-type]
            await response(scope, receive, answer)

        await listened(app, send)

    async def theirs() -> None:
        queues: list[asyncio.Queue[str | None]] = []
        left = [200]

        def send() -> None:
            left[0] -= 1
            for queue in queues:
                queue.put_nowait(json.dumps({"rollout": "shop", "text": "x"}) if left[0] >= 0 else None)

        async def texts() -> Any:
            queue: asyncio.Queue[str | None] = asyncio.Queue()
            queues.append(queue)
            while (text := await queue.get()) is not None:
                yield library.ServerSentEvent(text, event="decision")

        async def app(scope: Any, receive: Any, answer: Any) -> None:
            await library.EventSourceResponse(texts())(scope, receive, answer)

        await listened(app, send)

    for name, run in (("web/events.py", ours), ("sse-starlette", theirs)):
        yield f"{name}: {cpu(lambda run=run: asyncio.run(run()), 3):.2f} s"  # type: ignore[misc]


def openapi() -> Iterator[str]:
    """The document read and written again by the library's models: what is another."""
    own = json.loads(json.dumps(document("1")))
    theirs = (
        import_module("openapi_pydantic")
        .OpenAPI.model_validate(own)
        .model_dump(mode="json", by_alias=True, exclude_none=True)
    )
    before, after = (whole["components"]["schemas"] for whole in (own, theirs))
    differ = [name for name in before if before[name] != after.get(name)]
    lost = json.dumps(own).count('"default": null') - json.dumps(theirs).count('"default": null')
    yield f"web/openapi.py: {cpu(lambda: document('1'), 5) * 1000:.0f} ms, {len(before)} schemas"
    yield f"openapi-pydantic: {len(differ)} schemas come out otherwise; {lost} of `default: null` are lost"


POINTERS = ["", "/", "/a", "/a/0", "/a/1/b", "/a/-", "/a/01", "/a/9", "/a/x", "/m~0n", "/a~1b", "/c%d", "/e^f", "/g|h", "/i\\j", '/k"l', "/ ", "/nothing", "/a/1/b/c", "/n", "/~"]  # fmt: skip
DOCUMENT = {"a": [1, {"b": 2}], "m~n": 3, "a/b": 4, "c%d": 5, "e^f": 6, "g|h": 7, "i\\j": 8, 'k"l': 9, " ": 10, "": 11, "n": None}  # fmt: skip


def json_pointers() -> Iterator[str]:
    """The same value, or no value by both, which is a LookupError to us."""
    library = import_module("jsonpointer")

    def own(pointer: str) -> object:
        try:
            return value_at(DOCUMENT, pointer)
        except LookupError:
            return LookupError

    def theirs(pointer: str) -> object:
        try:
            return library.resolve_pointer(DOCUMENT, pointer)
        except library.JsonPointerException:
            return LookupError

    differ = [pointer for pointer in POINTERS if own(pointer) != theirs(pointer)]
    yield f"{len(POINTERS) - len(differ)} of {len(POINTERS)} alike; not: {', '.join(map(repr, differ))}"


WRITTEN = ["30s", "5m", "1h30m", "24h", "7d", "250ms", "90", "1h 30m", "PT5M", "P7D", "00:05:00", "1m30"]


def durations() -> Iterator[str]:
    """What people write, as a duration."""
    adapter = TypeAdapter(timedelta)

    def reads(parse: Callable[[str], object], refused: type[Exception]) -> list[str]:
        read = []
        for text in WRITTEN:
            try:
                parse(text)
            except refused:
                continue
            read.append(text)
        return read

    for name, parse, text, refused in (
        ("units.duration", duration.__wrapped__, "1h30m", ValueError),
        ("pydantic's timedelta", adapter.validate_python, "PT5M", ValidationError),
    ):
        took = cpu(lambda parse=parse, text=text: parse(text), 10_000)  # type: ignore[misc]
        yield f"{name}: {took * 1e6:.1f} µs; reads {', '.join(reads(parse, refused))}"


def regular_expressions() -> Iterator[str]:
    """`(a+)+` on 26 times `a` and a `!`."""
    for name, module in (("google-re2", import_module("re2")), ("Python's re", re)):
        for length in (22, 24, 26):
            text = "a" * length + "!"
            took = cpu(lambda module=module, text=text: module.compile("(a+)+").fullmatch(text))  # type: ignore[misc]
            yield f"{name}, {length} letters: {took * 1000:.1f} ms"


def main() -> None:
    """Print every figure."""
    for measure in (yaml_in_git, server_sent_events, openapi, json_pointers, durations, regular_expressions):
        print(f"\n{measure.__name__.replace('_', ' ')}: {(measure.__doc__ or '').strip()}")
        for line in measure():
            print(f"  {line}", flush=True)


if __name__ == "__main__":
    main()
