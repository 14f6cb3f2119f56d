"""What Alertmanager keeps of silences and inhibitions → whether an alert that fired was muted, and by what; pure.

Alertmanager sends nothing that is muted, and keeps no list of it. It keeps silences (also for days after their end)
and its inhibition rules: from these it is computed whether an alert that is over was muted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, TypeAdapter

from handrail_receiver.catch_up.regexes import fits
from handrail_receiver.catch_up.safe_yaml import read_yaml

Labels = Mapping[str, str]
WRITTEN = re.compile(r'\s*(\w+|"(?:[^"\\]|\\.)*")\s*(=~|!~|!=|=)\s*("(?:[^"\\]|\\.)*"|[^"\s][^"]*|)\s*')
ESCAPED = {r"\"": '"', r"\n": "\n", r"\\": "\\"}
NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


@dataclass(frozen=True)
class PastAlert:
    """An alert as Prometheus remembers it: when it was seen to fire first and last, and whether it still does."""

    labels: Labels
    first: datetime
    last: datetime
    still: bool = False


class Matcher(BaseModel):
    """One condition on a label, as Alertmanager has it: a missing label is an empty one."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    name: str
    value: str
    isRegex: bool = False  # noqa: N815  Alertmanager's spelling
    isEqual: bool = True  # noqa: N815

    def takes(self, labels: Labels) -> bool:
        """Whether the condition holds. A pattern that cannot be read here holds: better muted than not."""
        value = labels.get(self.name, "")
        if not self.isRegex:
            return (value == self.value) == self.isEqual
        fitting = fits(self.value, value)
        return True if fitting is None else fitting == self.isEqual

    @property
    def promql(self) -> str:
        """The same condition in a selector."""
        sign = {(False, True): "=", (False, False): "!=", (True, True): "=~", (True, False): "!~"}
        return f"{self.name}{sign[self.isRegex, self.isEqual]}{json.dumps(self.value, ensure_ascii=False)}"


class Silence(BaseModel):
    """One silence of /api/v2/silences, pending, active or over."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    matchers: tuple[Matcher, ...]
    startsAt: AwareDatetime  # noqa: N815
    endsAt: AwareDatetime  # noqa: N815
    createdBy: str = ""  # noqa: N815
    comment: str = ""

    def mutes(self, fired: PastAlert, now: datetime) -> bool:
        """Whether it was in force when the alert was last seen to fire, or at any time since."""
        if not self.matchers or not all(matcher.takes(fired.labels) for matcher in self.matchers):
            return False
        return self.startsAt <= now and self.endsAt >= fired.last


def _written(text: object) -> object:
    """`severity=~"a|b"`, as Alertmanager writes a matcher of its configuration."""
    parts = WRITTEN.fullmatch(text) if isinstance(text, str) else None
    if parts is None:
        return text
    name, sign, value = parts.groups()
    return {
        "name": _unquoted(name),
        "value": _unquoted(value),
        "isRegex": "~" in sign,
        "isEqual": sign[0] == "=",
    }


def _unquoted(text: str) -> str:
    """A word of Alertmanager's, with or without quotes: what it does not escape stays as it is written."""
    if not text.startswith('"'):
        return text.strip()
    return re.sub(r"\\.", lambda escape: ESCAPED.get(escape[0], escape[0]), text[1:-1])


Written = Annotated[Matcher, BeforeValidator(_written)]


class Inhibition(BaseModel):
    """One rule of inhibition; `*_match` and `*_match_re` are the older way to write it."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    source_matchers: tuple[Written, ...] = ()
    target_matchers: tuple[Written, ...] = ()
    source_match: dict[str, str] = {}
    target_match: dict[str, str] = {}
    source_match_re: dict[str, str] = {}
    target_match_re: dict[str, str] = {}
    equal: tuple[str, ...] = ()

    @property
    def source(self) -> tuple[Matcher, ...]:
        """What an alert must be to mute others."""
        return (*self.source_matchers, *older(self.source_match, self.source_match_re))

    @property
    def target(self) -> tuple[Matcher, ...]:
        """What an alert must be to be muted."""
        return (*self.target_matchers, *older(self.target_match, self.target_match_re))

    def may_mute(self, labels: Labels) -> bool:
        """Whether it could mute an alert, if only another one fired."""
        return all(matcher.takes(labels) for matcher in self.target)

    def mutes(self, fired: PastAlert, by: PastAlert) -> bool:
        """Whether `by` muted the alert for as long as it fired: at any other moment it would have been sent."""
        if not self.may_mute(fired.labels) or not all(matcher.takes(by.labels) for matcher in self.source):
            return False
        if any(fired.labels.get(name, "") != by.labels.get(name, "") for name in self.equal):
            return False
        both = self.may_mute(by.labels) and all(matcher.takes(fired.labels) for matcher in self.source)
        return not both and by.first <= fired.first and fired.last <= by.last

    def selector(self, but: Labels) -> str:
        """What selects the alerts that may mute others in Prometheus, without the labels `but`, which it adds later."""
        known = [one.promql for one in self.source if one.name not in but and NAME.fullmatch(one.name)]
        return ",".join(['alertstate="firing"', *known])


class _Rules(BaseModel):
    model_config = ConfigDict(extra="ignore")
    inhibit_rules: tuple[Inhibition, ...] | None = None


class _Original(BaseModel):
    model_config = ConfigDict(extra="ignore")
    original: str


class _SilenceStatus(BaseModel):
    model_config = ConfigDict(extra="ignore")
    config: _Original


SILENCES: TypeAdapter[tuple[Silence, ...]] = TypeAdapter(tuple[Silence, ...])


def silences(body: bytes) -> tuple[Silence, ...]:
    """What /api/v2/silences answers. Raises pydantic's ValidationError."""
    return SILENCES.validate_json(body)


def inhibitions(configuration: object) -> tuple[Inhibition, ...]:
    """The rules in a configuration. Raises ValidationError."""
    return _Rules.model_validate(configuration).inhibit_rules or ()


def configured(body: bytes) -> object:
    """The configuration in what /api/v2/status answers. Raises ValidationError, or YAMLError for what is no YAML."""
    return read_yaml(_SilenceStatus.model_validate_json(body).config.original)


def older(equal: Mapping[str, str], like: Mapping[str, str]) -> list[Matcher]:
    """The conditions as older configurations write them."""
    plain = [Matcher(name=name, value=value) for name, value in equal.items()]
    return plain + [Matcher(name=name, value=value, isRegex=True) for name, value in like.items()]
