"""What came of clips and attacks, and the rates that follow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.evaluate.intervals import Median, Share

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edge.evaluate.clips import Span
    from edge.evaluate.stats import Series


@dataclass(frozen=True, slots=True)
class Row:
    """What came of one clip."""

    file: str
    kind: str
    species: str
    source: str
    person: str
    frames: int
    fps: float
    """At which it was shown to the product."""
    labelled: bool
    """Whether all blinks in it are listed."""
    labelled_blinks: int
    """Those that count."""
    found: int
    """Of the labelled ones."""
    blinks: int
    """All that were found, labelled or not."""
    false: tuple[Span, ...]
    missed: tuple[Span, ...]
    counted_s: float
    """Seconds over which false blinks are counted."""
    live_after_s: float | None
    """From the first frame with one face to LIVE; None: never."""
    asked_after_s: float | None
    """To the first doubt, or instruction of a challenge, which no film answers; None: neither."""
    judged: bool
    """Whether a face was ever judged."""
    seen: str
    """The last that liveness said."""

    @property
    def blinking(self) -> bool:
        """Whether somebody blinks in it, as far as is known."""
        return bool(self.labelled_blinks or (self.blinks and not self.labelled))

    @property
    def refused(self) -> bool:
        """Neither taken for alive nor asked for more."""
        return self.live_after_s is None and self.asked_after_s is None


@dataclass(frozen=True, slots=True)
class Rates:
    """Of some clips: those of one source, or of all."""

    apcer: Share
    """Attacks taken for alive."""
    bpcer: Share
    """Genuine clips with a blink that were neither taken for alive nor asked for more."""
    challenged: Share
    """Genuine clips with a blink whose person was asked for more."""
    live_s: Median
    """Time to live, of the genuine clips that were taken for alive."""

    @classmethod
    def of(cls, rows: Iterable[Row]) -> Rates:
        """The rates of some clips."""
        shown = list(rows)
        attacks, genuine = _of_kind(shown, "attack"), _of_kind(shown, "genuine")
        blinking = [row for row in genuine if row.blinking]
        times = [row.live_after_s for row in genuine if row.live_after_s is not None]
        return cls(
            Share(sum(row.live_after_s is not None for row in attacks), len(attacks)),
            Share(sum(row.refused for row in blinking), len(blinking)),
            Share(sum(row.asked_after_s is not None for row in blinking), len(blinking)),
            Median(tuple(times)),
        )

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return {
            "apcer": self.apcer.as_dict(),
            "bpcer": self.bpcer.as_dict(),
            "challenged": self.challenged.as_dict(),
            "seconds_to_live": self.live_s.as_dict(),
        }


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """A clip's eyelids, for its picture: opening and log-odds of shut, `(n, 2)`, NaN: no face."""

    opening: Series
    shut: Series
    labelled: tuple[Span, ...]
    found: tuple[Span, ...]


@dataclass(frozen=True, slots=True, eq=False)
class LivenessReport:
    """The figures, and what they come from."""

    rows: tuple[Row, ...]
    traces: dict[str, Trace]
    generated: dict[str, Share]
    """Attacks made by software, by species: how many were taken for alive."""
    guess_probability: float
    """Of the challenge that replays were held against."""

    @property
    def recall(self) -> Share:
        """Labelled blinks that were found, in genuine clips."""
        genuine = self._rows("genuine")
        return Share(sum(r.found for r in genuine), sum(r.labelled_blinks for r in genuine))

    @property
    def false_blinks(self) -> int:
        """In genuine clips that are labelled throughout."""
        return sum(len(row.false) for row in self._rows("genuine"))

    @property
    def counted_s(self) -> float:
        """Seconds without a labelled blink in these clips."""
        return sum(row.counted_s for row in self._rows("genuine"))

    @property
    def rates(self) -> Rates:
        """Of all clips."""
        return Rates.of(self.rows)

    @property
    def by_source(self) -> dict[str, Rates]:
        """Of the clips of each source."""
        sources = sorted({row.source for row in self.rows})
        return {one: Rates.of(row for row in self.rows if row.source == one) for one in sources}

    @property
    def non_response(self) -> Share:
        """All clips in which no face was ever judged."""
        return Share(sum(not row.judged for row in self.rows), len(self.rows))

    @property
    def apcer(self) -> dict[str, Share]:
        """Attacks taken for alive: clips by species, then those made by software."""
        shares = {}
        for species in sorted({row.species for row in self._rows("attack")}):
            rows = [row for row in self._rows("attack") if row.species == species]
            hits = sum(row.live_after_s is not None for row in rows)
            shares[f"clip:{species}"] = Share(hits, len(rows))
        return shares | self.generated

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        minutes = self.counted_s / 60
        rates = self.rates
        apcer = self.apcer
        worst = max((s.value or 0.0 for s in apcer.values()), default=None)
        return {
            "blink_recall": self.recall.value,
            "blink_recall_detail": self.recall.as_dict(),
            "false_blinks_per_minute": self.false_blinks / minutes if minutes else None,
            "false_blinks": self.false_blinks,
            "counted_minutes": round(minutes, 3),
            "bpcer": rates.bpcer.value,
            "bpcer_detail": rates.bpcer.as_dict(),
            "challenge_rate": rates.challenged.value,
            "challenge_rate_detail": rates.challenged.as_dict(),
            "non_response": self.non_response.as_dict(),
            "apcer": {name: share.as_dict() for name, share in apcer.items()},
            "apcer_worst": worst,
            "attacks": {name: share.count for name, share in apcer.items()},
            "by_source": {name: found.as_dict() for name, found in self.by_source.items()},
            "median_seconds_to_live": rates.live_s.value,
            "seconds_to_live_detail": rates.live_s.as_dict(),
            "challenge_guess_probability": round(self.guess_probability, 5),
            "clips": [_row_as_dict(row) for row in self.rows],
        }

    def _rows(self, kind: str) -> list[Row]:
        return _of_kind(self.rows, kind)


def _of_kind(rows: Iterable[Row], kind: str) -> list[Row]:
    return [row for row in rows if row.kind == kind]


def _row_as_dict(row: Row) -> dict[str, object]:
    return {name: getattr(row, name) for name in Row.__dataclass_fields__}
