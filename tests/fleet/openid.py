"""A real OpenID provider of one client, made of Authlib's server parts, on a port of its own."""

from __future__ import annotations

import json
import secrets
import threading
import time
from functools import cache
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import uvicorn
from authlib.oauth2.rfc6749 import AuthorizationServer, OAuth2Error, OAuth2Request
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc6750 import BearerTokenGenerator
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core.grants import OpenIDCode
from joserfc.jwk import KeySet, RSAKey
from starlette.applications import Starlette
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from edge.fleet.web.request import read_form
from tests.support.link_parts import free_port
from tests.support.waiting import until

if TYPE_CHECKING:
    from starlette.requests import Request

CLIENT, SECRET = "edge-door", "a secret of the client"


class Client:
    """The dashboard, as the provider knows it."""

    client_id = CLIENT

    def __init__(self, redirect_uri: str) -> None:
        self._redirect_uri = redirect_uri

    def get_client_id(self) -> str:
        return self.client_id

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri == self._redirect_uri

    def check_client_secret(self, secret: str) -> bool:
        return secret == SECRET

    def check_endpoint_auth_method(self, method: str, _endpoint: str) -> bool:
        return method == "client_secret_basic"

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "authorization_code"

    def get_allowed_scope(self, scope: str) -> str:
        return scope


class Asked(OAuth2Request):
    """A request, as Authlib reads it."""

    def __init__(self, method: str, address: str, fields: dict[str, str], headers: Any) -> None:
        super().__init__(method, address, headers=headers)
        self.payload = BasicOAuth2Payload(fields)

    @property
    def args(self) -> dict[str, str]:
        return dict(self.payload.data)

    @property
    def form(self) -> dict[str, str]:
        return dict(self.payload.data)


class Code(SimpleNamespace):
    """An authorization code, with what was asked for it."""

    def get_redirect_uri(self) -> str:
        return str(self.redirect_uri)

    def get_scope(self) -> str:
        return str(self.scope)

    def get_nonce(self) -> str:
        return str(self.nonce)

    def get_auth_time(self) -> int:
        return int(time.time())

    def get_acr(self) -> None:
        return None

    def get_amr(self) -> None:
        return None


@cache
def _signing_key() -> RSAKey:
    """One for all: to make one takes longer than a test."""
    return RSAKey.generate_key(2048, auto_kid=True)


class Provider(AuthorizationServer):
    """Lets `user` in without asking; what it says of them may be false where `lies` says so."""

    def __init__(self, redirect_uri: str) -> None:
        super().__init__(scopes_supported=["openid", "profile", "email"])
        self.client = Client(redirect_uri)
        self.codes: dict[str, Code] = {}
        self.user: dict[str, Any] = {
            "sub": "42",
            "preferred_username": "anna",
            "groups": ["security"],
        }
        self.lies: dict[str, Any] = {}
        self.key = _signing_key()
        self.shown = self.key
        self.port = free_port()
        self.issuer = f"http://127.0.0.1:{self.port}"
        bearer = BearerTokenGenerator(lambda *_, **__: secrets.token_urlsafe(), None, None)
        self.register_token_generator("default", bearer)
        parts = {"provider": self}
        grant = type("Grant", (_Grant,), parts)
        self.register_grant(
            grant,
            [type("Claims", (_Claims,), parts)(require_nonce=True), CodeChallenge(required=True)],
        )
        routes = [
            Route("/.well-known/openid-configuration", self._about),
            Route("/keys", self._keys),
            Route("/authorize", self._authorize),
            Route("/token", self._token, methods=["POST"]),
        ]
        config = uvicorn.Config(Starlette(routes=routes), port=self.port, log_level="error")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run)

    def start(self) -> Provider:
        self._thread.start()
        until(lambda: self._server.started)
        return self

    def close(self) -> None:
        self._server.should_exit = True
        self._thread.join()

    async def _about(self, _request: Request) -> Response:
        about = {
            "issuer": self.lies.get("issuer", self.issuer),
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
        }
        return JSONResponse(about)

    async def _keys(self, _request: Request) -> Response:
        return JSONResponse(KeySet([self.shown]).as_dict(private=False))

    async def _authorize(self, request: Request) -> Response:
        asked = self._read(request, dict(request.query_params))
        try:
            grant = self.get_consent_grant(asked, end_user=self.user)
            answer: Response = self.create_authorization_response(asked, self.user, grant)
        except OAuth2Error as error:
            return JSONResponse(dict(error.get_body()), 400)
        return answer

    async def _token(self, request: Request) -> Response:
        form = await read_form(request)
        fields = {name: values[0] for name, values in form.items()}
        answer: Response = self.create_token_response(self._read(request, fields))
        return answer

    def _read(self, request: Request, fields: dict[str, str]) -> OAuth2Request:
        # Authlib refuses what is not https; on loopback nobody listens.
        address = str(request.url).replace("http://", "https://")
        return Asked(request.method, address, fields, request.headers)

    def query_client(self, client_id: str) -> Client | None:
        return self.client if client_id == CLIENT else None

    def save_token(self, token: dict[str, Any], request: OAuth2Request) -> None:
        """They are not kept."""

    def send_signal(self, name: str, *args: object, **kwargs: object) -> None:
        """Nobody listens."""

    def create_oauth2_request(self, request: OAuth2Request) -> OAuth2Request:
        return request

    def handle_response(self, status: int, body: Any, headers: list[tuple[str, str]]) -> Response:
        where = dict(headers).get("Location")
        if where:
            return RedirectResponse(where, status_code=status)
        text = json.dumps(body) if isinstance(body, dict) else body
        return Response(text, status, dict(headers))


class _Grant(AuthorizationCodeGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_basic",)
    provider: Provider

    def save_authorization_code(self, code: str, request: OAuth2Request) -> None:
        asked = request.payload.data
        self.provider.codes[code] = Code(
            code=code,
            redirect_uri=asked["redirect_uri"],
            scope=asked["scope"],
            nonce=asked.get("nonce"),
            code_challenge=asked.get("code_challenge"),
            code_challenge_method=asked.get("code_challenge_method"),
        )

    def query_authorization_code(self, code: str, _client: Client) -> Code | None:
        return self.provider.codes.get(code)

    def delete_authorization_code(self, code: Code) -> None:
        del self.provider.codes[code.code]

    def authenticate_user(self, _code: Code) -> dict[str, Any]:
        return self.provider.user


class _Claims(OpenIDCode):
    provider: Provider

    def exists_nonce(self, nonce: str, _request: OAuth2Request) -> bool:
        return any(code.nonce == nonce for code in self.provider.codes.values())

    def resolve_client_private_key(self, _client: Client) -> RSAKey:
        return self.provider.key

    def get_client_algorithm(self, _client: Client) -> str:
        return "RS256"

    def get_client_claims(self, _client: Client) -> dict[str, Any]:
        now = int(time.time())
        return {"iss": self.provider.issuer, "aud": [CLIENT], "iat": now, "exp": now + 60}

    def generate_user_info(self, user: dict[str, Any], _scope: str) -> dict[str, Any]:
        return {**user, **self.provider.lies}
