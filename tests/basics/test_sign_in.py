"""Who may enter the workbench: what is set up is read whole, and what is wrong lets nobody in."""

from __future__ import annotations

from pathlib import Path

import pytest

from promptlab.basics.errors import UsageError
from promptlab.basics.sign_in import SignIn, secrets_files, sign_in

GOOD = {
    "redirect_uri": "http://localhost:8501/oauth2callback",
    "cookie_secret": "c" * 64,
    "client_id": "id",
    "client_secret": "the-client-secret",
    "server_metadata_url": "https://id.example.org/.well-known/openid-configuration",
}


def written(path: Path, **changes: object) -> Path:
    settings = {name: value for name, value in {**GOOD, **changes}.items() if value is not None}
    lines = "".join(f"{name} = {value!r}\n" for name, value in settings.items())
    path.write_text(f"[auth]\n{lines}")
    return path


def test_without_an_auth_section_nobody_has_to_sign_in(tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    other.write_text("[database]\npassword = 'x'\n")
    assert sign_in([tmp_path / "none.toml", other]) is None


def test_the_later_file_counts(tmp_path: Path) -> None:
    users = written(tmp_path / "a.toml")
    projects = written(tmp_path / "b.toml", allowed_emails=["Ann@Example.org"])
    found = sign_in([users, projects])
    assert found is not None
    assert found.allowed == ("ann@example.org",)
    assert "the-client-secret" not in repr(found)
    assert secrets_files(tmp_path)[-1] == tmp_path / ".streamlit" / "secrets.toml"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        *(({name: None}, f"lacks {name}") for name in GOOD),
        ({"client_id": 5}, "client_id is no text"),
        ({"redirect_uri": "http://localhost:8501/"}, "/oauth2callback"),
        ({"server_metadata_url": "id.example.org"}, "openid-configuration"),
        ({"cookie_secret": "short"}, "32 characters"),
        ({"allowed_emails": "ann@example.org"}, "no list"),
        ({"allowed_emails": ["ann"]}, "no list"),
        ({"allowed_emails": []}, "nobody could enter"),
    ],
)
def test_what_is_wrong_is_one_line_without_a_secret(
    tmp_path: Path, changes: dict[str, object], told: str
) -> None:
    with pytest.raises(UsageError) as error:
        sign_in([written(tmp_path / "s.toml", **changes)])
    text = str(error.value)
    assert told in text
    assert "\n" not in text
    assert "the-client-secret" not in text
    assert "c" * 64 not in text


@pytest.mark.parametrize("text", ["[auth]\nclient_secret = the-client-secret", "auth = 5", "\x00"])
def test_a_file_that_cannot_be_read_lets_nobody_in(tmp_path: Path, text: str) -> None:
    path = tmp_path / "s.toml"
    path.write_text(text)
    with pytest.raises(UsageError) as error:
        sign_in([path])
    assert "the-client-secret" not in str(error.value)


def test_only_verified_addresses_of_the_list_may_enter() -> None:
    some = SignIn(Path("s"), "", "", ("ann@example.org", "@lab.org"))
    assert some.lets_in({"email": "Ann@example.org"})
    assert some.lets_in({"email": "bob@lab.org", "email_verified": True})
    for person in (
        {"email": "bob@example.org"},
        {"email": "ann@example.org", "email_verified": False},
        {"email": "eve@notlab.org"},
        {"email": "x@lab.org.evil.example"},
        {},
    ):
        assert not some.lets_in(person)
    assert SignIn(Path("s"), "", "", ()).lets_in({"sub": "whoever"})


def test_a_way_back_to_another_port_is_told_before_anybody_tries(tmp_path: Path) -> None:
    found = sign_in([written(tmp_path / "s.toml")])
    assert found is not None
    found.check_port(8501)
    with pytest.raises(UsageError, match="port 8501, and the workbench listens on 9000"):
        found.check_port(9000)
    open_port = sign_in([written(tmp_path / "s.toml", redirect_uri="http://localhost:{port}/oauth2callback")])
    assert open_port is not None
    open_port.check_port(9000)
