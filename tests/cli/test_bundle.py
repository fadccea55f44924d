"""A run in one file: replayed elsewhere with the provider down, without a key, to the last digit."""

from __future__ import annotations

import hashlib
import json
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from real_command import RealCommand, cached_replies, model

KEY = "sk-secret-0123456789abcdef"


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory, provider_in_a_thread: Any) -> RealCommand:
    """A finished run of two variants, and its bundle x.zip: no test changes them."""
    fake_provider = provider_in_a_thread
    fake_provider.reset()
    fake_provider.control(key=KEY)
    folder = tmp_path_factory.mktemp("author")
    made = RealCommand(folder, LOOP_KEY=KEY)
    made.write(12, model("fake-1", fake_provider.openai), variants="zero_shot, zero_shot_cot")
    made.compare("-q")
    made.run("bundle", "loop", "--out", "x.zip")
    return made


@pytest.fixture
def reader(tmp_path: Path) -> RealCommand:
    """Somebody else: another folder, no key, no provider, a fresh home."""
    folder = tmp_path / "reader"
    folder.mkdir()
    return RealCommand(folder)


def rewritten(bundle: Path, target: Path, change: Callable[[str, bytes], bytes], *, sign: bool) -> Path:
    """A copy with changed members; `sign` makes its list of hashes fit again."""
    with zipfile.ZipFile(bundle) as source:
        members = {name: change(name, source.read(name)) for name in source.namelist()}
    if sign:
        contents = json.loads(members["bundle.json"])
        contents["members"] = {
            name: {"bytes": len(text), "sha256": hashlib.sha256(text).hexdigest()}
            for name, text in members.items()
            if name != "bundle.json"
        }
        members["bundle.json"] = json.dumps(contents).encode()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as out:
        for name, text in members.items():
            out.writestr(name, text)
    return target


def in_member(wanted: str, old: bytes, new: bytes) -> Callable[[str, bytes], bytes]:
    def change(name: str, text: bytes) -> bytes:
        assert name != wanted or old in text
        return text.replace(old, new, 1) if name == wanted else text

    return change


def test_a_replay_gives_the_same_table_to_the_last_digit_and_sends_nothing(
    command: RealCommand, reader: RealCommand, fake_provider: Any
) -> None:
    stored = json.loads(command.run("compare", "loop", "--json")[0])
    fake_provider.reset()
    out, err = reader.run("replay", str(command.folder / "x.zip"), "--json")
    assert json.loads(out) == stored
    assert "every answer and score from its reply" in err
    assert fake_provider.requests == 0
    assert not (reader.folder / ".promptlab").exists()  # it leaves nothing behind


def test_what_is_printed_is_the_same_too(command: RealCommand, reader: RealCommand) -> None:
    assert reader.run("replay", str(command.folder / "x.zip"))[0] == command.run("compare", "loop")[0]


def test_the_same_run_packs_to_the_same_bytes(command: RealCommand) -> None:
    command.run("bundle", "loop", "--out", "y.zip")
    assert (command.folder / "x.zip").read_bytes() == (command.folder / "y.zip").read_bytes()


def test_a_kept_replay_is_a_run_for_the_other_commands(command: RealCommand, reader: RealCommand) -> None:
    reader.run("replay", str(command.folder / "x.zip"), "--to", "kept")
    (kept,) = (reader.folder / "kept").iterdir()
    assert "What is" in reader.run("show", str(kept), "1")[0]
    reader.run("export", str(kept), "--to", "t.csv", "--what", "trials")
    assert len((reader.folder / "t.csv").read_text().splitlines()) == 25
    _, err = reader.run("replay", str(command.folder / "x.zip"), "--to", "kept", code=2)
    assert "is there already" in err


def test_without_the_data_the_samples_are_hashes_and_the_table_is_the_same(
    command: RealCommand, reader: RealCommand
) -> None:
    stored = json.loads(command.run("compare", "loop", "--json")[0])
    command.run("bundle", "loop", "--out", "h.zip", "--without-data")
    with zipfile.ZipFile(command.folder / "h.zip") as bundle:
        samples = [json.loads(line) for line in bundle.read("samples.jsonl").splitlines()]
    assert all(sample["body"] is None and len(sample["content"]) == 32 for sample in samples)
    out, err = reader.run("replay", str(command.folder / "h.zip"), "--json")
    assert json.loads(out) == stored
    assert "the samples are not in this bundle" in err


def test_no_key_goes_into_a_bundle(command: RealCommand) -> None:
    with zipfile.ZipFile(command.folder / "x.zip") as bundle:
        assert len(bundle.namelist()) == 12
        for name in bundle.namelist():
            text = bundle.read(name)
            assert KEY.encode() not in text
            assert b"uthorization" not in text


def test_a_key_that_stands_in_the_data_is_refused_and_no_file_is_left(
    tmp_path: Path, fake_provider: Any
) -> None:
    command = RealCommand(tmp_path, LOOP_KEY=KEY)
    command.write(2, model("fake-1", fake_provider.openai))
    (tmp_path / "data.jsonl").write_text(json.dumps({"id": "a", "q": f"my key {KEY}", "answer": "1"}))
    command.compare("-q")
    _, err = command.run("bundle", "loop", "--out", "x.zip", code=2)
    assert "the value of LOOP_KEY stands in samples.jsonl" in err
    assert KEY not in err
    assert not list(tmp_path.glob("*x.zip*"))


@pytest.mark.parametrize(
    ("more", "what"),
    [
        ('headers: {X-Session-Token: "abc"}', "the header 'X-Session-Token'"),
        ("", "user info or a query"),
    ],
)
def test_a_literal_secret_in_the_file_is_refused(
    tmp_path: Path, fake_provider: Any, more: str, what: str
) -> None:
    base = fake_provider.openai
    base = base if more else base.replace("http://", "http://me:pass@")
    command = RealCommand(tmp_path, LOOP_KEY=KEY)
    command.write(2, model("fake-1", base, f"api_key_env: LOOP_KEY{', ' if more else ''}{more}"))
    command.compare("-q")
    _, err = command.run("bundle", "loop", "--out", "x.zip", code=2)
    assert what in err
    assert not (tmp_path / "x.zip").exists()


@pytest.mark.parametrize(
    ("member", "old", "new", "said"),
    [
        ("trials.jsonl", b'"text":"', b'"text":"1', "trials.jsonl was changed: its SHA-256 is"),
        ("experiment.yaml", b"What is", b"What was", "experiment.yaml was changed"),
        ("bundle.json", b'"version":1', b'"version":2', "has bundle version 2, this promptlab reads 1"),
        ("bundle.json", b'"run":"', b'"run":"../', "is no run's id"),
        ("bundle.json", b'"run":"', b'"run":"/tmp/', "is no run's id"),
        ("bundle.json", b'"promptlab-bundle"', b'"a-zip"', "is no promptlab bundle"),
    ],
)
def test_a_changed_member_is_named(
    command: RealCommand, reader: RealCommand, member: str, old: bytes, new: bytes, said: str
) -> None:
    change = in_member(member, old, new)

    def same_size(name: str, text: bytes) -> bytes:
        changed = change(name, text)
        return changed[: len(text)] if name == member == "trials.jsonl" else changed

    path = rewritten(command.folder / "x.zip", reader.folder / "bad.zip", same_size, sign=False)
    _, err = reader.run("replay", str(path), "--to", "kept", code=2)
    assert said in err or (member == "experiment.yaml" and "experiment.yaml has" in err)
    assert not (reader.folder / "kept").exists()


@pytest.mark.parametrize(
    ("member", "old", "new", "said"),
    [
        ("scores.jsonl", b'"value":1.0', b'"value":0.0', "the bundle says 0.0"),
        ("trials.jsonl", b'"text":"', b'"text":"9', "is not the one that its call got"),
        ("samples.jsonl", b'"target\\":\\"', b'"target\\":\\"9', "is not the one that was hashed"),
        ("samples.jsonl", b'"sample":"s1"', b'"sample":"t1"', "are not those that were hashed"),
        ("cells.jsonl", b"What is", b"What was", "is not that of its spec"),
        ("trials.jsonl", b'"cost_usd":', b'"cost_usd":1e9,"x":', "unknown field 'x'"),
        ("trials.jsonl", b'"latency_s":', b'"latency_s":1', "its table is not the one that its trials give"),
        ("trials.jsonl", b'"cell":1', b'"cell":7', "FOREIGN KEY"),
        ("cache.jsonl", b"completion", b"completioN", "cache.jsonl, line 1"),
        ("calls.jsonl", b"{", b"[", "calls.jsonl, line 1 is no JSON object"),
    ],
)
def test_a_bundle_that_was_signed_anew_must_still_follow_from_its_calls(
    command: RealCommand, reader: RealCommand, member: str, old: bytes, new: bytes, said: str
) -> None:
    path = rewritten(
        command.folder / "x.zip", reader.folder / "bad.zip", in_member(member, old, new), sign=True
    )
    _, err = reader.run("replay", str(path), "--to", "kept", code=2)
    assert said in err
    assert "Traceback" not in err
    assert list((reader.folder / "kept").glob("*")) == []


@pytest.mark.parametrize("name", ["../../evil.txt", "/tmp/evil.txt", "data/x.jsonl", "..\\evil.txt"])
def test_no_member_can_escape(command: RealCommand, reader: RealCommand, name: str) -> None:
    path = reader.folder / "bad.zip"
    path.write_bytes((command.folder / "x.zip").read_bytes())
    with zipfile.ZipFile(path, "a") as bundle:
        bundle.writestr(name, "x")
    _, err = reader.run("replay", str(path), "--to", "kept", code=2)
    assert "no part of a bundle" in err
    assert [each.name for each in reader.folder.rglob("*")] == ["bad.zip"]


def test_a_zip_bomb_is_refused_before_it_unpacks(reader: RealCommand) -> None:
    path = reader.folder / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bundle:
        bundle.writestr("bundle.json", b"{}")
        with bundle.open("trials.jsonl", "w", force_zip64=True) as member:
            for _ in range(300):
                member.write(bytes(2**20))
    _, err = reader.run("replay", str(path), code=2)
    assert "it would unpack to 314,572,802 bytes" in err


def test_a_member_that_lies_about_its_size_is_stopped_there(
    command: RealCommand, reader: RealCommand
) -> None:
    data = bytearray((command.folder / "x.zip").read_bytes())
    with zipfile.ZipFile(command.folder / "x.zip") as bundle:
        size = bundle.getinfo("trials.jsonl").file_size
    at = data.rindex(b"trials.jsonl") - 46  # the archive's directory
    assert struct.unpack_from("<I", data, at + 24) == (size,)
    struct.pack_into("<I", data, at + 24, 10)
    path = reader.folder / "bad.zip"
    path.write_bytes(bytes(data))
    _, err = reader.run("replay", str(path), code=2)
    assert "trials.jsonl has 10 bytes, not the" in err


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04" + bytes(40)])
def test_what_is_no_bundle_is_said_in_one_line(reader: RealCommand, content: bytes) -> None:
    (reader.folder / "x.zip").write_bytes(content)
    _, err = reader.run("replay", "x.zip", code=2)
    assert "cannot be read as a bundle" in err
    assert err.count("\n") == 1


def test_a_truncated_bundle_is_refused(command: RealCommand, reader: RealCommand) -> None:
    (reader.folder / "x.zip").write_bytes((command.folder / "x.zip").read_bytes()[:-100])
    assert "x.zip" in reader.run("replay", "x.zip", code=2)[1]


def test_others_start_from_paid_answers(
    command: RealCommand, reader: RealCommand, fake_provider: Any
) -> None:
    stored = command.compare("-q")
    for name in ("exp.yaml", "data.jsonl"):
        (reader.folder / name).write_bytes((command.folder / name).read_bytes())
    _, err = reader.run("cache", "import", str(command.folder / "x.zip"))
    assert "36 replies added, 0 were here already" in err
    fake_provider.reset()
    reader.env["LOOP_KEY"] = "another"
    again = reader.compare("-q")
    assert (again["sent_calls"], fake_provider.requests) == (0, 0)
    assert [cell["scores"] for cell in again["cells"]] == [cell["scores"] for cell in stored["cells"]]
    assert again["pairs"] == stored["pairs"]
    told = json.loads(reader.run("cache", "import", str(command.folder / "x.zip"), "--json")[0])
    assert told == {"added": 0, "known": 36}


def test_a_bundle_with_one_bad_reply_adds_none(command: RealCommand, reader: RealCommand) -> None:
    with zipfile.ZipFile(command.folder / "x.zip") as bundle:
        last = json.loads(bundle.read("cache.jsonl").splitlines()[-1])
    other = "0" * 64
    change = in_member("cache.jsonl", last["key"].encode(), other.encode())
    path = rewritten(command.folder / "x.zip", reader.folder / "bad.zip", change, sign=True)
    _, err = reader.run("cache", "import", str(path), code=2)
    assert "line 36: the cache entry 0000" in err
    assert "answers another request than its key says" in err
    assert cached_replies(reader.folder / ".promptlab") == 0
