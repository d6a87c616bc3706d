"""The desk: cards, PINs, claims and signed commands. Whatever comes from beside the camera."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from edge.access.lockout import PIN
from edge.access.schedule import OBJECTIONS, Verdict
from edge.clock import now
from edge.errors import CommandError, UsageError, VaultError
from edge.names import EVERYBODY, folded
from edge.records import EventKind, Reason
from edge.sight.counted import Counted
from edge.sight.orders import MODES, Orders
from edge.vault.credentials import Kind
from edge.vocabulary import Action
from edge.wire.messages import Credential, Mode

if TYPE_CHECKING:
    from edge.access.command import Command
    from edge.config import Config
    from edge.moment import Moment
    from edge.sight.claims import Claims
    from edge.sight.doorside import Doorside
    from edge.sight.journal import Journal
    from edge.sight.rulebook import Rulebook
    from edge.vault.credentials import Claimed
    from edge.vault.vault import Vault
    from edge.wire.messages import Presented, UnlockByCode

log = logging.getLogger(__name__)

CODE_FRESH_S = 30.0
"""How old a request with a PIN over the broker may be: home automation's clocks differ."""
DENIALS_EVERY_S = 2.0
"""Of what is wrong with cards and PINs, beyond the first few."""


class Desk:
    """Answers whoever presents something; it opens only through the doorside."""

    def __init__(
        self, config: Config, vault: Vault, journal: Journal, claims: Claims, rulebook: Rulebook
    ) -> None:
        """Take up the command counters and the mode that were in force.

        Raises:
            LedgerError: what was remembered is damaged.
        """
        self._config = config
        self._vault = vault
        self._journal = journal
        self._claims = claims
        self._rulebook = rulebook
        self._orders = Orders(config, journal, rulebook.not_before)
        self._counted = Counted(journal, EventKind.ACCESS, DENIALS_EVERY_S)
        self.mode = Mode(journal.state("commanded_mode") or Mode.NORMAL)
        if self.mode is Mode.ALWAYS_OPEN and Action.ALWAYS_OPEN not in config.mqtt.permitted:
            self.mode = Mode.NORMAL  # ordered while it was permitted

    def presented(self, presented: Presented, door: Doorside) -> None:
        """A card or a PIN at the reader: a claim, or with PIN alone an entry."""
        moment, source = now(), presented.credential
        # A card in hand must not buy new guesses at the PIN, so only PINs count and clear.
        guessable = source is Credential.PIN
        if guessable and self._rulebook.lockout.left_s(PIN, moment) > 0:
            self._counted.note(Reason.LOCKED_OUT, {"source": source.value})
            return
        try:
            claimed = self._vault.credentials.identify(Kind(source.value), presented.value)
        except VaultError:  # `Known` says so once; nobody is let in until it is mended
            self._counted.note(Reason.INTERNAL_ERROR, {"source": source.value})
            return
        if claimed is None:
            self._unknown(source, moment)
            return
        if guessable:
            self._right_pin(claimed, moment)
        if guessable and self._may_pass_with_pin_alone(claimed.person):
            if self._has_hour(claimed.person, moment):
                door.open_for(Reason.PIN, claimed.person)
            return
        self._claims.stand(claimed.person, time.monotonic())
        log.info("%s claims to be %s", source.value, claimed.person)

    def command(self, text: str, door: Doorside) -> str:
        """Follow a signed command, once: what was done.

        Raises:
            CommandError: it is not to be followed; the refusal is in the ledger.
        """
        command = self._orders.take(text)
        self._follow(command, door)
        return command.action.value

    def unlock_by_code(self, asked: UnlockByCode, door: Doorside) -> str:
        """Open for whose PIN came over the broker, where the owner trusts it: who that is.

        Raises:
            CommandError: it is off, stale, too often, locked out, or nobody's PIN.
            VaultError: the people database cannot be read.
        """
        moment = now()
        self._orders.limit_codes()
        if not self._config.mqtt.trust_broker:
            raise CommandError("[mqtt] trust_broker is off, so only a signed command opens")
        if not moment.wall_trusted or not abs(moment.wall - asked.at) <= CODE_FRESH_S:
            raise CommandError("this request is stale, or the clock here is not set")
        if self._rulebook.lockout.left_s(PIN, moment) > 0:
            raise CommandError("too many wrong PINs: wait")
        claimed = self._vault.credentials.identify(Kind.PIN, asked.code)
        if claimed is None:
            self._unknown(Credential.PIN, moment)
            raise CommandError("this is nobody's PIN")
        self._right_pin(claimed, moment)
        if not self._has_hour(claimed.person, moment):
            raise CommandError("not at this hour")
        detail = {"by": "a PIN over the broker"}
        opened = door.open_for(Reason.COMMAND, claimed.person, detail=detail)
        if opened is not Reason.COMMAND:
            raise CommandError(f"The door stays shut: {opened.value}.")
        return claimed.person

    def relock(self, door: Doorside, who: str) -> None:
        """Lock now: the one request that needs no signature. `who` goes into the record.

        Raises:
            CommandError: it comes too often: nobody may cut every pulse short.
            UsageError: no guard answers.
        """
        self._orders.unsigned_lock(who)
        self._relock(door)

    def attend(self) -> None:
        """Write down what was only counted so far, when it is time."""
        self._orders.attend()
        self._counted.attend()

    def _unknown(self, source: Credential, moment: Moment) -> None:
        """A guess at a PIN is written each time, with what it does to the lockout."""
        if source is Credential.PIN:
            self._rulebook.lockout = self._rulebook.lockout.failed(PIN, moment)
            self._deny(Reason.UNKNOWN_CREDENTIAL, source)
        else:
            self._counted.note(Reason.UNKNOWN_CREDENTIAL, {"source": source.value})

    def _relock(self, door: Doorside) -> None:
        if not door.relock():
            raise UsageError("the relay guard does not answer")

    def _follow(self, command: Command, door: Doorside) -> None:
        if command.action is Action.UNLOCK:
            opened = door.open_for(Reason.COMMAND, None, detail={"nonce": command.nonce})
            if opened is not Reason.COMMAND:
                raise CommandError(f"The door stays shut: {opened.value}.")
        elif command.action is Action.LOCK:
            self._relock(door)
        else:
            self.mode = MODES[command.action]

    def _may_pass_with_pin_alone(self, person: str) -> bool:
        allowed = self._config.access.pin_alone
        return EVERYBODY in allowed or folded(person) in map(folded, allowed)

    def _right_pin(self, claimed: Claimed, moment: Moment) -> None:
        """It clears wrong ones. A duress PIN opens as usual, and nobody at the door can tell."""
        self._rulebook.lockout = self._rulebook.lockout.pin_of(claimed.person, moment)
        if claimed.duress:
            self._journal.note(EventKind.ACCESS, Reason.DURESS, person=claimed.person)

    def _has_hour(self, person: str, moment: Moment) -> bool:
        """Whether whose PIN this is may pass now; else that is written."""
        verdict = self._rulebook.schedule_at(moment).verdict(person, moment)
        if verdict is Verdict.ALLOWED:
            return True
        self._deny(OBJECTIONS[verdict], Credential.PIN, person)
        return False

    def _deny(self, reason: Reason, source: Credential, person: str | None = None) -> None:
        states, detail = self._rulebook.states(), {"source": source.value}
        self._journal.note(EventKind.ACCESS, reason, person=person, states=states, detail=detail)
        log.info("denied: %s (%s)", reason.value, source.value)
