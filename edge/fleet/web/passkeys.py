"""Passkeys: a fingerprint or a key in the place of the password. Checked by `webauthn`."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import webauthn
from sqlalchemy import delete, insert, select, update
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response
from webauthn.helpers import base64url_to_bytes
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from edge.errors import UsageError
from edge.fleet.database.tables import operators, passkeys
from edge.fleet.text import MAX_NAME
from edge.fleet.web import sessions
from edge.fleet.web.entry import Entry
from edge.fleet.web.operators import Actor, write_refusal
from edge.fleet.web.request import COOKIE, came_from_us, client, origin_of, read_form
from edge.fleet.web.roles import Verb

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection
    from starlette.requests import Request

    from edge.fleet.web.login import Login
    from edge.fleet.web.site import Site
    from edge.fleet.web.visit import Visit

MOST = 10
_WORTHLESS = (WebAuthnException, ValueError, TypeError, KeyError)
_CHOICE = AuthenticatorSelectionCriteria(
    resident_key=ResidentKeyRequirement.REQUIRED,  # so that no name need be typed
    user_verification=UserVerificationRequirement.REQUIRED,
)


def offer(visit: Visit) -> Response:
    """What the browser needs to make a passkey."""
    options = webauthn.generate_registration_options(
        rp_id=_host(visit.origin),
        rp_name=visit.site.options.title,
        user_name=visit.operator.name,
        user_id=str(visit.operator.number).encode(),
        authenticator_selection=_CHOICE,
    )
    sessions.set_challenge(visit.connection, visit.session.key, options.challenge)
    return JSONResponse(json.loads(webauthn.options_to_json(options)))


def keep(visit: Visit) -> Response:
    """The passkey that the browser made."""
    label, challenge = visit.text("label", MAX_NAME), visit.session.challenge
    mine = passkeys.c.operator_id == visit.operator.number
    if visit.operator.outside:
        raise UsageError("you come in over the provider, which alone says whether you still may")
    if len(visit.connection.execute(select(passkeys.c.id).where(mine)).all()) >= MOST:
        raise UsageError(f"{MOST} passkeys are enough: remove one first")
    try:
        made = webauthn.verify_registration_response(
            credential=visit.form["credential"][0],
            expected_challenge=challenge or b"",
            expected_rp_id=_host(visit.origin),
            expected_origin=visit.origin,
            require_user_verification=True,
        )
    except _WORTHLESS as error:
        raise UsageError(f"that passkey cannot be taken: {error}") from error
    sessions.set_challenge(visit.connection, visit.session.key, None)
    visit.connection.execute(
        insert(passkeys).values(
            id=made.credential_id,
            operator_id=visit.operator.number,
            public=made.credential_public_key,
            counter=made.sign_count,
            label=label,
            created=visit.now,
        )
    )
    visit.note("passkey", label, "added")
    return visit.back("/account")


def remove(visit: Visit) -> Response:
    """A passkey that lets nobody in any more."""
    label = visit.text("label", MAX_NAME)
    mine = (passkeys.c.operator_id == visit.operator.number, passkeys.c.label == label)
    visit.connection.execute(delete(passkeys).where(*mine))
    visit.note("passkey", label, "removed")
    return visit.back("/account")


class PasskeyLogin:
    """The way in with a passkey."""

    def __init__(self, site: Site, login: Login) -> None:
        self._site = site
        self._login = login

    async def offer(self, request: Request) -> Response:
        """What the browser needs to sign."""
        form = await read_form(request)
        return await run_in_threadpool(self._offer, request, form)

    async def enter(self, request: Request) -> Response:
        """What the browser signed."""
        form = await read_form(request)
        return await run_in_threadpool(self._enter, request, form)

    def _offer(self, request: Request, form: Mapping[str, Sequence[str]]) -> Response:
        session = self._session(request, form)
        if session is None:
            return Response(status_code=403)
        options = webauthn.generate_authentication_options(
            rp_id=_host(origin_of(self._site, request)),
            challenge=session.challenge,
            user_verification=UserVerificationRequirement.REQUIRED,
        )
        if options.challenge != session.challenge:  # who asks for it without end writes once
            with self._site.database.writing() as connection:
                sessions.set_challenge(connection, session.key, options.challenge)
        return JSONResponse(json.loads(webauthn.options_to_json(options)))

    def _enter(self, request: Request, form: Mapping[str, Sequence[str]]) -> Response:
        now, session, address = time.time(), self._session(request, form), client(request)
        if session is None or session.challenge is None:
            return self._login.refuse(request, 403)
        with self._site.database.reading() as connection:
            often = sessions.too_many(connection, None, address, now)
        if often:
            return self._login.refuse(request, 429)
        with self._site.database.writing() as connection:
            sessions.trying(connection, None, address, now)
            sessions.set_challenge(connection, session.key, None)  # for one attempt
            found = self._signed(connection, request, form, session.challenge)
            if found is None:
                write_refusal(connection, now, Actor("?", address), "passkey")
        if found is None:
            return self._login.refuse(request, 401)
        return self._login.welcome(request, *found, "passkey", now)

    def _signed(
        self,
        connection: Connection,
        request: Request,
        form: Mapping[str, Sequence[str]],
        challenge: bytes,
    ) -> tuple[int, str] | None:
        """Number and name of the operator whose passkey signed; None when there is none."""
        origin = origin_of(self._site, request)
        try:
            text = form["credential"][0]
            key = base64url_to_bytes(json.loads(text)["rawId"])
            row = connection.execute(select(passkeys).where(passkeys.c.id == key)).first()
            if row is None:
                return None
            signed = webauthn.verify_authentication_response(
                credential=text,
                expected_challenge=challenge,
                expected_rp_id=_host(origin),
                expected_origin=origin,
                credential_public_key=row.public,
                credential_current_sign_count=row.counter,
                require_user_verification=True,
            )
        except _WORTHLESS:
            return None
        ours = passkeys.c.id == row.id
        connection.execute(update(passkeys).where(ours).values(counter=signed.new_sign_count))
        who = (operators.c.id == row.operator_id, operators.c.disabled.is_(False))
        found = connection.execute(select(operators.c.id, operators.c.name).where(*who)).first()
        return None if found is None else (found.id, found.name)

    def _session(
        self, request: Request, form: Mapping[str, Sequence[str]]
    ) -> sessions.Session | None:
        with self._site.database.reading() as connection:
            session = sessions.find(connection, request.cookies.get(COOKIE), time.time())
        if session is None or not came_from_us(request, session, form):
            return None
        return session


def _host(origin: str) -> str:
    """The relying party: the host alone, without port."""
    return origin.partition("://")[2].rpartition(":")[0] or origin.partition("://")[2]


ENTRIES = (
    Entry("POST", "/account/passkeys/offer", offer, Verb.SEE),
    Entry("POST", "/account/passkeys", keep, Verb.SEE),
    Entry("POST", "/account/passkeys/remove", remove, Verb.SEE),
)
