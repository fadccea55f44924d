"""Who may enter the workbench: what `[auth]` in Streamlit's secrets.toml says, and what is wrong with it."""

from __future__ import annotations

import importlib.util
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from promptlab.basics.errors import UsageError

CALLBACK = "/oauth2callback"
SHORTEST_COOKIE_SECRET = 32
_REQUIRED = ("redirect_uri", "cookie_secret", "client_id", "client_secret", "server_metadata_url")
_HERE = ("localhost", "127.0.0.1")


@dataclass(frozen=True, slots=True)
class SignIn:
    """A provider of identities is set up. `allowed`: e-mail addresses, or `@host` for all of it; empty: all.

    No secret is in it.
    """

    file: Path
    metadata_url: str
    redirect_uri: str
    allowed: tuple[str, ...]

    def lets_in(self, person: Mapping[str, Any]) -> bool:
        """Whether somebody with these claims may enter. An address that was not verified is none."""
        if not self.allowed:
            return True
        email = str(person.get("email") or "").strip().casefold()
        if not email or person.get("email_verified") is False:
            return False
        return any(email.endswith(each) if each.startswith("@") else email == each for each in self.allowed)

    def check_port(self, port: int) -> None:
        """UsageError: the provider would send people back to another port of this machine."""
        back = urlsplit(self.redirect_uri.replace("{port}", str(port)))
        if back.hostname in _HERE and (back.port or 80) != port:
            raise UsageError(
                f"{self.file}: auth.redirect_uri leads to port {back.port or 80}, "
                f"and the workbench listens on {port}.",
                remedy=f"Write http://{back.hostname}:{{port}}{CALLBACK}, or start it with --port.",
            )


def secrets_files(folder: Path) -> list[Path]:
    """Where Streamlit looks: the user's, then the project's; what stands in a later one counts."""
    return [place / ".streamlit" / "secrets.toml" for place in (Path.home(), folder)]


def sign_in(files: Iterable[Path | str]) -> SignIn | None:
    """What these files say together; None where none has `[auth]`: whoever reaches the port may enter.

    UsageError, in one line and without a value that is secret, for whatever is wrong or missing.
    """
    auth: Any = None
    file = Path()
    for path in map(Path, files):
        found = _read(path)
        if "auth" in found:
            auth, file = found["auth"], path
    if auth is None:
        return None
    if not isinstance(auth, dict):
        raise UsageError(f"{file}: auth is no table.", remedy="Write [auth] above its settings.")
    for name in _REQUIRED:
        value = auth.get(name)
        if not isinstance(value, str) or not value.strip():
            raise UsageError(
                f"{file}: [auth] lacks {name}." if name not in auth else f"{file}: auth.{name} is no text.",
                remedy=f"It needs {', '.join(_REQUIRED)}.",
            )
    if not urlsplit(auth["redirect_uri"].replace("{port}", "1")).path.endswith(CALLBACK):
        raise UsageError(
            f"{file}: auth.redirect_uri is {auth['redirect_uri']!r}.", remedy=f"It has to end in {CALLBACK}."
        )
    if urlsplit(auth["server_metadata_url"]).scheme not in ("http", "https"):
        raise UsageError(
            f"{file}: auth.server_metadata_url is {auth['server_metadata_url']!r}.",
            remedy="Give the provider's address that ends in /.well-known/openid-configuration.",
        )
    if len(auth["cookie_secret"]) < SHORTEST_COOKIE_SECRET:
        raise UsageError(
            f"{file}: auth.cookie_secret has fewer than {SHORTEST_COOKIE_SECRET} characters.",
            remedy="Make one: python -c 'import secrets; print(secrets.token_hex())'",
        )
    if importlib.util.find_spec("authlib") is None:
        raise UsageError(
            f"{file} asks people to sign in, which needs authlib.",
            remedy="Install it: pip install 'promptlab-workbench[login]'",
        )
    return SignIn(file, auth["server_metadata_url"], auth["redirect_uri"], _allowed(auth, file))


def _allowed(auth: Mapping[str, Any], file: Path) -> tuple[str, ...]:
    given = auth.get("allowed_emails", [])
    if not isinstance(given, list) or not all(isinstance(each, str) and "@" in each for each in given):
        raise UsageError(
            f"{file}: auth.allowed_emails is no list of addresses.",
            remedy='Write ["ann@example.org"], or "@example.org" for all of a host.',
        )
    if "allowed_emails" in auth and not given:
        raise UsageError(
            f"{file}: auth.allowed_emails is empty: nobody could enter.",
            remedy="Name somebody, or take it out.",
        )
    return tuple(each.strip().casefold() for each in given)


def _read(path: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        # Its text may hold secrets: where it is wrong is told, not what stands there.
        line = getattr(error, "lineno", None)
        where = "" if line is None else f", line {line}"
        raise UsageError(
            f"{path} cannot be read ({type(error).__name__}{where}).",
            remedy="Mend it, or take it away where nobody has to sign in.",
        ) from None
