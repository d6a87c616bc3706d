"""The way in over an OpenID provider: code flow with state, nonce and PKCE.

Source: OpenID Connect Core 1.0, section 3.1; RFC 7636; RFC 9207. What this browser was sent away
with is kept in a session of its own: the usual cookie does not come along from another site.
"""

from __future__ import annotations

import hmac
import json
import secrets
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import httpx2
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.httpx_client import OAuth2Client
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from sqlalchemy import select
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, RedirectResponse

from edge import plain
from edge.errors import UsageError
from edge.fleet.database.tables import groups
from edge.fleet.web import sessions
from edge.fleet.web.operators import Actor, outside_operator, write_refusal
from edge.fleet.web.request import client, origin_of
from edge.fleet.web.roles import Grant

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from starlette.requests import Request
    from starlette.responses import Response

    from edge.fleet.web.login import Login
    from edge.fleet.web.provider import Provider
    from edge.fleet.web.site import Site

COOKIE = "edge-door-oidc"
AWAY = "/login/oidc"
BACK = "/login/oidc/back"
ALGORITHMS = ["RS256", "PS256", "ES256", "ES384", "EdDSA"]
"""Of ID tokens; all of them with a key that the provider alone has."""
TIMEOUT_S = 10.0
LEEWAY_S = 60
_SECRET_BYTES = 32
_NOT_SO = "The provider's answer does not belong to this login. Try again."
_SILENT = "The provider does not answer as it should. Try again, or log in with a password."
_NOBODY = "The provider knows you, but none of your groups may do anything here."


@dataclass(frozen=True, slots=True)
class Trip:
    """What a browser was sent away with."""

    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True, slots=True)
class _Endpoints:
    """Of what a provider says of itself (OpenID Connect Discovery 1.0), what is needed here."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str


class _RefusedError(Exception):
    """Nobody comes in; the text says why."""


class OidcLogin:
    """The way in over the provider."""

    def __init__(self, site: Site, login: Login, provider: Provider) -> None:
        self._site = site
        self._login = login
        self._provider = provider

    async def leave(self, request: Request) -> Response:
        """Away to the provider."""
        return await run_in_threadpool(self._leave, request)

    async def back(self, request: Request) -> Response:
        """Back, with a code."""
        return await run_in_threadpool(self._back, request)

    def _leave(self, request: Request) -> Response:
        with self._site.database.reading() as connection:
            if sessions.too_many_visits(connection, client(request), time.time()):
                return self._login.refuse(request, 429)
        trip = Trip(*(secrets.token_urlsafe(_SECRET_BYTES) for _ in range(3)))
        try:
            with self._client(request) as there:
                place, _ = there.create_authorization_url(
                    self._known(there).authorization_endpoint,
                    state=trip.state,
                    nonce=trip.nonce,
                    code_verifier=trip.verifier,
                )
        except (_RefusedError, httpx2.HTTPError, UsageError):
            return self._login.refuse(request, 503, _SILENT)
        with self._site.database.writing() as connection:
            cookie = sessions.begin(connection, None, client(request), time.time())
            ours = sessions.find(connection, cookie, time.time())
            if ours is not None:
                sessions.set_challenge(connection, ours.key, json.dumps(asdict(trip)).encode())
        response = RedirectResponse(place, status_code=303)
        secure = self._site.options.tls
        response.set_cookie(COOKIE, cookie, httponly=True, samesite="lax", secure=secure, path=AWAY)
        return response

    def _back(self, request: Request) -> Response:
        try:
            claims = self._claims(request, self._trip(request))
            number, name = self._operator(claims)
        except _RefusedError as refused:
            return self._refuse(request, 403, str(refused))
        except (httpx2.HTTPError, AuthlibBaseError, UsageError) as error:
            return self._refuse(request, 503, f"{_SILENT} ({type(error).__name__})")
        entered = self._login.welcome(request, number, name, "oidc")
        # A cookie that is strict does not follow a redirect from another site; a page of ours does.
        page = HTMLResponse(self._site.render("entering.html"))
        page.raw_headers += [pair for pair in entered.raw_headers if pair[0] == b"set-cookie"]
        page.delete_cookie(COOKIE, path=AWAY)
        return page

    def _trip(self, request: Request) -> Trip:
        """What this browser was sent away with; it counts once."""
        with self._site.database.writing() as connection:
            session = sessions.find(connection, request.cookies.get(COOKIE), time.time())
            if session is None or session.challenge is None:
                raise _RefusedError(_NOT_SO)
            sessions.end(connection, session.key)
        try:
            trip = plain.read(Trip, json.loads(session.challenge))
        except ValueError as error:  # the session is of a passkey
            raise _RefusedError(_NOT_SO) from error
        said = request.query_params
        if not hmac.compare_digest(trip.state.encode(), said.get("state", "").encode()):
            raise _RefusedError(_NOT_SO)
        if said.get("iss", self._provider.issuer).rstrip("/") != self._provider.issuer:
            raise _RefusedError(_NOT_SO)
        if "code" not in said:
            raise _RefusedError("The provider let nobody in.")
        return trip

    def _claims(self, request: Request, trip: Trip) -> CodeIDToken:
        """Who it is, signed by the provider for this login."""
        with self._client(request) as there:
            known = self._known(there)
            token = there.fetch_token(
                known.token_endpoint,
                code=request.query_params["code"],
                code_verifier=trip.verifier,
            )
            answer = there.request("GET", known.jwks_uri, withhold_token=True)
            answer.raise_for_status()
        try:
            keys = KeySet.import_key_set(answer.json())
            read = jwt.decode(token["id_token"], keys, ALGORITHMS)
            claims = CodeIDToken(
                read.claims,
                read.header,
                options={
                    "iss": {"essential": True, "value": known.issuer},
                    "aud": {"essential": True, "value": self._provider.client_id},
                },
                params={
                    "nonce": trip.nonce,
                    "client_id": self._provider.client_id,
                    "access_token": token.get("access_token"),
                },
            )
            claims.validate(leeway=LEEWAY_S)
        except (JoseError, KeyError, ValueError, TypeError) as error:
            raise _RefusedError(_NOT_SO) from error
        return claims

    def _operator(self, claims: CodeIDToken) -> tuple[int, str]:
        """Who that is here, with the roles of their groups of today."""
        said = claims.get(self._provider.claim)
        values = {said} if isinstance(said, str) else set(map(str, said or ()))
        name = str(claims.get("preferred_username") or claims.get("email") or claims["sub"])
        with self._site.database.writing() as connection:
            grants = self._grants(connection, values)
            if not grants:
                raise _RefusedError(_NOBODY)
            subject = f"{self._provider.issuer} {claims['sub']}"
            try:
                found = outside_operator(connection, subject, name, grants, time.time())
            except UsageError as error:
                raise _RefusedError(f"{error}. Ask an administrator.") from error
        if found is None:
            raise _RefusedError("This account is disabled here.")
        return found

    def _grants(self, connection: Connection, values: set[str]) -> list[Grant]:
        named = {row.name: row.id for row in connection.execute(select(groups))}
        return [
            Grant(each.role, None if each.group is None else named[each.group])
            for each in self._provider.grant
            if each.value in values and (each.group is None or each.group in named)
        ]

    def _known(self, there: OAuth2Client) -> _Endpoints:
        """What the provider says of itself."""
        address = f"{self._provider.issuer}/.well-known/openid-configuration"
        answer = there.request("GET", address, withhold_token=True)
        answer.raise_for_status()
        try:
            known = plain.read(_Endpoints, answer.json())
        except ValueError as error:
            raise _RefusedError(_SILENT) from error
        if known.issuer.rstrip("/") != self._provider.issuer:
            raise _RefusedError(_SILENT)
        return known

    def _client(self, request: Request) -> OAuth2Client:
        return OAuth2Client(
            client_id=self._provider.client_id,
            client_secret=self._provider.secret(),
            token_endpoint_auth_method=None if self._provider.secret_file else "none",
            scope=self._provider.scope,
            redirect_uri=origin_of(self._site, request) + BACK,
            code_challenge_method="S256",
            timeout=TIMEOUT_S,
        )

    def _refuse(self, request: Request, status: int, sentence: str) -> Response:
        with self._site.database.writing() as connection:
            actor = Actor("", client(request))
            write_refusal(connection, time.time(), actor, "oidc", f"refused: {sentence}")
        return self._login.refuse(request, status, sentence)
