"""The schedule of people from the centre: each has windows of their own, and perhaps an end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from typing_extensions import override

from edge.access.schedule import Schedule, Verdict, parse
from edge.names import folded
from edge.roster.plan import lapsed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from edge.moment import Moment
    from edge.roster.pages import Member
    from edge.roster.plan import Head


@dataclass(frozen=True, slots=True)
class MemberSchedule(Schedule):
    """The configured schedule, and that of the centre's people beside it."""

    members: Mapping[str, Member] = field(default_factory=dict)
    """By name without case."""
    head: Head | None = None
    restored: bool = False
    """The door is as old as its backup: who was removed since then may be among them."""

    @override
    def verdict(self, person: str, now: Moment) -> Verdict:
        """As `Schedule.verdict`; who is from the centre has an end as well.

        Hours come again every week, an end comes once: it is not put off by setting the clock back.
        """
        member = self.members.get(folded(person))
        believed = self.latest.believes(now)
        if member is not None and self.restored:
            return Verdict.RESTORED
        if (
            member is not None
            and self.head is not None
            and lapsed(member, self.head, now.wall, trusted=believed)
        ):
            return Verdict.LAPSED if believed else Verdict.CLOCK_UNTRUSTED
        return Schedule.verdict(self, person, now)


def with_members(
    schedule: Schedule, members: Iterable[Member], head: Head, *, restored: bool = False
) -> MemberSchedule:
    """`schedule` with the centre's people in it; hours that the centre gives them go first.

    Whom it gives none follows the door's, as everybody else does there.

    Raises:
        ValueError: a window is none.
    """
    by_name = {folded(member.name): member for member in members}
    theirs = parse({name: member.schedule for name, member in by_name.items() if member.schedule})
    return MemberSchedule(
        {**schedule.windows, **theirs.windows},
        schedule.zone,
        schedule.doubtful,
        schedule.latest,
        by_name,
        head,
        restored,
    )
