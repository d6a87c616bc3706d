"""`[match]`, `[access]`: who may be the person in front of the camera, and who may pass when."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator
from typing_extensions import Self

from edge.access import schedule
from edge.config.section import Number, Section, Whole
from edge.errors import ConfigError
from edge.names import folded, listed, nobodys


class MatchSection(Section):
    """Who may be the person in front of the camera."""

    claim: Literal["only-person", "required", "anyone"] = "only-person"
    """`only-person`: the one person enrolled here. `required`: a card, PIN or `edge-door claim
    NAME` chooses. `anyone`: all templates compete under the same false-match rate."""
    claim_timeout_s: Number = Field(15.0, ge=1, le=120)
    """How long a claim stands."""
    false_match_rate: Number = Field(2e-5, ge=1e-6, le=0.05)
    """At most this share of strangers' attempts may match (2e-5 is one in 50,000); the threshold
    follows from the calibration of the embedder. A larger rate turns fewer people away."""
    calibration: Path | None = None
    """File made by `edge-door calibrate`. Unset: the one that came with the embedder."""


def _hours(lines: tuple[str, ...]) -> tuple[str, ...]:
    schedule.windows(lines)
    return lines


def _time_zone(name: str) -> str:
    schedule.zone_of(name)
    return name


Hours = Annotated[tuple[str, ...], AfterValidator(_hours)]

TimeZone = Annotated[str, AfterValidator(_time_zone)]


class AccessSection(Section):
    """After the match."""

    max_failures: Whole = Field(5, ge=1, le=20)
    """Denied attempts in a row before the lockout."""
    lockout_s: Number = Field(30.0, ge=1, le=3600)
    """First lockout; doubles with each further failure up to `lockout_max_s`."""
    lockout_max_s: Number = Field(900.0, ge=1, le=86400)
    """Longest lockout."""
    pause_s: Number = Field(5.0, ge=1, le=120)
    """After a denial, the same face is not judged again for so long."""
    cooldown_s: Number = Field(2.0, ge=0, le=120)
    """Who was let in is not let in again before nobody was in view for so long."""
    pin_alone: tuple[str, ...] = ()
    """Whose PIN opens without a face: names, or `"*"` for everybody. A weaker key than a face."""
    always_open: Hours = ()
    """When the door stands open for all, such as `["mon-fri 09:00-17:00"]`, local time."""
    schedule: dict[str, Hours] = Field(default_factory=dict)
    """Who may pass when, local time: `"*" = ["mon-fri 07:00-19:00"]` for everybody, a person's name
    for that person, `["always"]`. Who is not named and finds no `*` may always pass."""
    time_zone: TimeZone | None = None
    """Such as `Europe/Berlin`. Unset: the system's."""

    @property
    def named(self) -> tuple[str, ...]:
        """Everybody whom these rules name, once; `*` may be among them."""
        return tuple({folded(name): name for name in (*self.pin_alone, *self.schedule)}.values())

    def require_known(self, people: Iterable[str], gone: Iterable[str] = ()) -> None:
        """See that everybody whom the rules name is one of `people`, unless there is nobody yet.

        Args:
            people: Who is enrolled.
            gone: Names that were somebody's, whom the people office has taken away or renamed.

        Raises:
            ConfigError: a rule names somebody else, and would not hold for whom it was meant.
        """
        people = list(people)
        unknown = nobodys(self.named, [*people, *gone]) if people else []
        if unknown:
            raise ConfigError(
                f"[access.schedule] or pin_alone names {listed(unknown)}, but nobody enrolled here "
                f"is called so (enrolled: {listed(people)}). Mend the name in the file, or enrol "
                "them first."
            )

    @model_validator(mode="after")
    def _lockouts_grow(self) -> Self:
        if self.lockout_s > self.lockout_max_s:
            raise ValueError("lockout_s is above lockout_max_s, which would shorten it unsaid")
        return self

    @field_validator("schedule")
    @classmethod
    def _everybody_once(cls, table: dict[str, Hours]) -> dict[str, Hours]:
        schedule.parse(table)
        return table
