"""Who may do what: every verb of the dashboard, and the roles that carry it. Pure.

A role is held for one group of doors, or for all. What concerns no single door (operators, zones,
audit) needs a role for all doors.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from edge.fleet.kinds import Role


class Verb(str, Enum):
    """Everything that can be asked of the dashboard."""

    SEE = "see"
    SEE_PEOPLE = "see_people"
    ACKNOWLEDGE = "acknowledge"
    COMMAND = "command"
    CORRECT_MUSTER = "correct_muster"
    ENROL = "enrol"
    SET_UP = "set_up"
    ACCEPT_LEDGER = "accept_ledger"
    MANAGE_OPERATORS = "manage_operators"
    READ_AUDIT = "read_audit"


_CARRIED = {
    Role.VIEWER: frozenset({Verb.SEE}),
    Role.OPERATOR: frozenset(
        {Verb.SEE, Verb.SEE_PEOPLE, Verb.ACKNOWLEDGE, Verb.COMMAND, Verb.CORRECT_MUSTER}
    ),
    Role.ENROLLER: frozenset({Verb.SEE, Verb.SEE_PEOPLE, Verb.ENROL}),
    Role.ADMINISTRATOR: frozenset(Verb),
}


@dataclass(frozen=True, slots=True)
class Grant:
    """A role for a group of doors; None: for all doors."""

    role: Role
    group: int | None


@dataclass(frozen=True, slots=True)
class Rights:
    """What one operator may do."""

    grants: tuple[Grant, ...]

    def may(self, verb: Verb, group: int | None) -> bool:
        """For a door of `group`; None is a door of no group, which only roles for all reach."""
        return any(
            verb in _CARRIED[grant.role] and grant.group in (None, group) for grant in self.grants
        )

    def may_everywhere(self, verb: Verb) -> bool:
        """For all doors, and for what concerns no door."""
        return any(verb in _CARRIED[grant.role] and grant.group is None for grant in self.grants)

    def anywhere(self, verb: Verb) -> bool:
        """For some door at least: whether a page or a button is shown."""
        return any(verb in _CARRIED[grant.role] for grant in self.grants)

    def groups(self, verb: Verb) -> frozenset[int] | None:
        """The groups for which it is allowed; None: for all doors."""
        if self.may_everywhere(verb):
            return None
        return frozenset(
            grant.group
            for grant in self.grants
            if verb in _CARRIED[grant.role] and grant.group is not None
        )
