"""Keys come from the environment, `.env` and the keyring, and are never shown."""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend

from promptlab.basics.errors import UsageError
from promptlab.models import keys
from promptlab.models.catalog import resolve
from promptlab.models.keys import Secret, find_key, mask


class Box(KeyringBackend):
    """A keyring in memory; `asked` counts."""

    priority = 1  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.entries: dict[tuple[str, str], str] = {}
        self.asked = 0

    def get_password(self, service: str, username: str) -> str | None:
        self.asked += 1
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.entries[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.entries[service, username]


@pytest.fixture(autouse=True)
def box() -> Iterator[Box]:
    before = keyring.get_keyring()
    box = Box()
    keyring.set_keyring(box)
    keys._from_keyring.cache_clear()
    yield box
    keyring.set_keyring(before)
    keys._from_keyring.cache_clear()


def test_the_environment_comes_before_env_files_and_the_keyring(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, box: Box
) -> None:
    box.set_password("promptlab", "OPENAI_API_KEY", "from-keyring")
    found = find_key("OPENAI_API_KEY", tmp_path)
    assert found is not None
    assert (found.reveal(), found.source) == ("from-keyring", "OPENAI_API_KEY in the system keyring")
    (tmp_path / ".env").write_text("OPENAI_API_KEY=from-file\n")
    found = find_key("OPENAI_API_KEY", tmp_path)
    assert found is not None
    assert found.reveal() == "from-file"
    monkeypatch.setenv("OPENAI_API_KEY", " from-environment\n")
    found = find_key("OPENAI_API_KEY", tmp_path)
    assert found is not None
    assert found.reveal() == "from-environment"
    assert box.asked == 1


def test_the_nearest_env_file_upward_counts_and_is_not_exported(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("MY_KEY=outer\n")
    inner = tmp_path / "project"
    deep = inner / "experiments" / "first"
    deep.mkdir(parents=True)
    (inner / ".env").write_text('# keys\nexport MY_KEY="in$ner"\n', encoding="utf-8-sig")
    found = find_key("MY_KEY", deep)
    assert found is not None
    assert found.reveal() == "in$ner"
    assert "MY_KEY" not in os.environ


def test_a_changed_env_file_is_read_again(tmp_path: Path) -> None:
    for value in ("first", "the second"):
        (tmp_path / ".env").write_text(f"MY_KEY={value}\n")
        found = find_key("MY_KEY", tmp_path)
        assert found is not None
        assert found.reveal() == value


def test_an_env_file_in_another_encoding_is_named(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"MY_KEY=\xff\xfe\n")
    with pytest.raises(UsageError, match=r"\.env"):
        find_key("MY_KEY", tmp_path)


def test_a_models_folder_and_the_other_names_of_its_variable_are_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("GOOGLE_API_KEY=for-gemini\n")
    model = resolve("gemini/gemini-2.5-flash", settings={"folder": str(tmp_path)})
    assert model.key_env == "GEMINI_API_KEY"
    found = find_key(model)
    assert found is not None
    assert found.source.startswith("GOOGLE_API_KEY in ")


def test_no_key_anywhere_is_none_and_a_broken_keyring_is_no_error(
    tmp_path: Path, box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(service: str, username: str) -> str:
        raise RuntimeError("no desktop bus")

    monkeypatch.setattr(box, "get_password", broken)
    assert find_key("NOBODYS_KEY", tmp_path) is None
    assert find_key("", tmp_path) is None


def test_a_secret_shows_itself_nowhere() -> None:
    secret = Secret("sk-0123456789", "MY_KEY")
    assert "0123" not in f"{secret} {secret!r} {[secret]}"
    with pytest.raises(TypeError):
        pickle.dumps(secret)


def test_masking_takes_the_longest_secret_first_and_leaves_placeholders() -> None:
    assert mask("abcd abcdefgh x", ["abcd", "abcdefgh", "x"]) == "*** *** x"


def test_a_held_key_comes_first_is_forgotten_when_emptied_and_never_exported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "from-environment")
    keys.hold("OPENAI_API_KEY", " typed-in\n")
    try:
        found = find_key("OPENAI_API_KEY", tmp_path)
        assert found is not None
        assert found.reveal() == "typed-in"
        assert keys.held() == {"OPENAI_API_KEY": "typed-in"}
        assert os.environ["OPENAI_API_KEY"] == "from-environment"
    finally:
        keys.hold("OPENAI_API_KEY", "")
    found = find_key("OPENAI_API_KEY", tmp_path)
    assert found is not None
    assert found.reveal() == "from-environment"


def test_a_key_kept_in_the_keyring_is_found_at_once(tmp_path: Path) -> None:
    assert find_key("POE_API_KEY", tmp_path) is None
    keys.keep_in_keyring("POE_API_KEY", "kept\n")
    found = find_key("POE_API_KEY", tmp_path)
    assert found is not None
    assert found.reveal() == "kept"


def test_a_keyring_that_cannot_be_written_is_told_without_the_key(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(service: str, username: str, password: str) -> None:
        raise RuntimeError(f"cannot store {password}")

    monkeypatch.setattr(box, "set_password", broken)
    with pytest.raises(UsageError, match="did not take POE_API_KEY") as told:
        keys.keep_in_keyring("POE_API_KEY", "secret-value")
    assert "secret-value" not in str(told.value)
