"""Typed rows that cross package borders: what a source gives, what an instrument says, how reports are joined."""

from datetime import datetime
from typing import Annotated, Final, Literal, get_args

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from warehouse.schema import codes


def _one_of(vocabulary: str) -> AfterValidator:
    """Validate a string against a vocabulary of `codes`."""
    allowed = codes.VOCABULARIES[vocabulary]

    def check(value: str) -> str:
        if value not in allowed:
            msg = f"{value!r} is not a {vocabulary}: expected one of {', '.join(allowed)}"
            raise ValueError(msg)
        return value

    return AfterValidator(check)


def _enum(vocabulary: str) -> dict[str, list[str]]:
    return {"enum": list(codes.VOCABULARIES[vocabulary])}


Kind = Annotated[str, _one_of("kind"), Field(json_schema_extra=_enum("kind"))]
Behaviour = Annotated[str, _one_of("behaviour"), Field(json_schema_extra=_enum("behaviour"))]
Action = Annotated[str, _one_of("action"), Field(json_schema_extra=_enum("action"))]
Subject = Annotated[str, _one_of("subject"), Field(json_schema_extra=_enum("subject"))]
Precision = Annotated[str, _one_of("precision")]
PublishText = Annotated[str, _one_of("publish_text")]
LabelStatus = Literal["judged", "screened_out", "language", "rejected"]
Merge = Literal["tight", "normal", "loose"]
MERGES: Final[tuple[Merge, ...]] = get_args(Merge)
DerivedMethod = Literal["copy", "link", "quote", "second_hand"]
LinkMethod = Literal["origin", "exact", "near_duplicate", "same_event", "review"]
Probability = Annotated[float, Field(ge=0, le=1)]


class Row(BaseModel):
    """Base of all border types: immutable, no unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Post(Row):
    """What an instrument reads of one post. `text` never repeats `title`.

    `source` says where it stood (`github_issue:owner/name`, `reddit:r/name`, `hackernews`, …): a tracker
    implies the agent it is about.
    """

    id: str
    source: str = ""
    title: str = ""
    text: str = ""
    lang: str | None = None


class Report(Row):
    """One post, mapped: identity parsed from its address, date with its precision, text without its title."""

    report_id: str
    source_id: str
    stated_source: str
    platform: str
    channel: str | None
    native_id: str
    url: str | None
    created_at: AwareDatetime | None
    created_precision: Precision
    zone_assumed: bool
    title: str
    text: str
    lang: str | None
    author_key: str | None
    engagement: int | None
    text_hash: str
    publish_text: PublishText


class Agent(Row):
    """An AI product or model named in the text."""

    name: str
    family: str | None
    vendor: str | None


class Span(Row):
    """The half-open range [start, end), in characters of the field as given, that made a rule fire."""

    rule: str
    field: Literal["title", "text"]
    start: int = Field(ge=0)
    end: int = Field(ge=0)


class LabelLine(Row):
    """One instrument's judgement of one text; judged values are null unless `status` is `judged`."""

    id: str
    status: LabelStatus
    kind: Kind | None = None
    p_strict: Probability | None = None
    is_strict: bool = False
    behaviours: dict[Behaviour, Probability] | None = None
    behaviours_present: list[Behaviour] | None = None
    behaviours_unsure: list[Behaviour] | None = None
    actions: list[Action] | None = None
    action_probabilities: dict[Action, Probability] | None = None
    evidence: int | None = Field(default=None, ge=0, le=4)
    gravity: int | None = Field(default=None, ge=0, le=4)
    score: int | None = Field(default=None, ge=0, le=9)
    subject: Subject | None = None
    agents: list[Agent] | None = None
    spans: list[Span] | None = None
    instrument: str


class LinkLine(Row):
    """Which incident a report belongs to, and which earlier report tied it there."""

    id: str
    incident: str
    linked_to: str | None
    score: Probability
    reason: str


class Linkable(Row):
    """What linking knows of one report: its text, its date and what the instrument found in it.

    `witness` names the tracker on which a first-hand account stands: two such accounts are two people's events.
    """

    id: str
    title: str
    text: str
    created_at: datetime | None
    agents: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    url: str | None = None
    witness: str | None = None
    kind: str | None = None


class Derived(Row):
    """A report that only passes on an earlier one, how that was found, and the same in words."""

    derived_from: str
    method: DerivedMethod
    reason: str


class Link(Row):
    """An edge between two reports: the strictest merge setting at which it joins them, and why."""

    report_id: str
    linked_to: str
    method: LinkMethod
    score: Probability
    merge: Merge
    reason: str
