"""What people say of answers: kept beside the run, asked blindly, taken back, exported, used as labels."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from real_command import RealCommand

import promptlab
from promptlab.analysis.rated import graded, preferred
from promptlab.basics.errors import StorageError, UsageError
from promptlab.runs import RunDirectory, RunReader
from promptlab.runs.annotations import ANNOTATIONS, MIGRATIONS, Annotations
from promptlab.runs.rating_files import import_ratings, rating_rows
from promptlab.runs.rating_queue import RatingQueue, Shown
from promptlab.runs.ratings import (
    GOOD_OR_BAD,
    Kind,
    Rating,
    keep,
    keep_as_labels,
    keep_first,
    majority,
    ratings,
    scales_of,
    undo,
)

EXPERIMENT = """\
name: rated
dataset: {path: data.jsonl, target: a, id: id}
task: {prompt: "Word {{ q }}?", answer: text}
models: [scripted/script.yaml]
variants:
  - {name: plain, technique: zero_shot}
  - {name: polite, technique: zero_shot, prompt: "Please. Word {{ q }}?"}
  - {name: loud, technique: zero_shot, prompt: "LOUD. Word {{ q }}?"}
scorers:
  - exact_match
  - {scorer: judge, kind: pairwise, model: judge, against: plain, as: better}
  - {scorer: judge, kind: rubric, model: judge, verdicts: {bad: 0, good: 1}, as: quality}
"""
JUDGE = "- {contains: 'one of: bad, good', reply: 'good'}\n- {default: 'TIE'}\n"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of three variants on eight samples; on the first two samples `loud` says what `plain` says."""
    folder = tmp_path_factory.mktemp("rated")
    rows = [{"id": f"s{number}", "q": f"w{number}", "a": f"answer w{number}"} for number in range(8)]
    (folder / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "script.yaml").write_text(
        "- {regex: 'LOUD. Word w[01]\\?', reply: 'plain of {{ prompt[-3:] }}'}\n"
        "- {contains: 'LOUD', reply: 'loud of {{ prompt[-3:] }}'}\n"
        "- {contains: 'Please', reply: 'polite of {{ prompt[-3:] }}'}\n"
        "- {default: 'plain of {{ prompt[-3:] }}'}\n"
    )
    text = EXPERIMENT.partition("scorers:")[0]
    (folder / "exp.yaml").write_text(text)
    assert promptlab.load(folder / "exp.yaml", home=folder / "home").run().status == "complete"
    return folder


@pytest.fixture
def run(made: Path, tmp_path: Path) -> RunDirectory:
    shutil.copytree(made / "home", tmp_path / "home")
    (path,) = (tmp_path / "home" / "runs").iterdir()
    return RunDirectory(path)


def shown(run: RunDirectory, rater: str, kind: Kind = "pairs", seed: int = 0) -> Shown | None:
    with RunReader(run) as reader:
        return RatingQueue(reader, kind, seed=seed).next(rater, ratings(run, rater=rater, kind=kind))


def rate_all(run: RunDirectory, rater: str, said: str = "left", kind: Kind = "pairs") -> list[Shown]:
    found = []
    while (each := shown(run, rater, kind)) is not None:
        found.append(each)
        keep(run, [each.rated(rater, said, () if kind == "pairs" else GOOD_OR_BAD)])
    return found


def prefer(run: RunDirectory, rater: str, order: list[str], most: int = 100) -> None:
    """Prefers what comes earlier in `order`."""
    for _ in range(most):
        each = shown(run, rater)
        if each is None:
            return
        places = [order.index(text.split()[0]) for text in each.answers]
        keep(run, [each.rated(rater, "left" if places[0] < places[1] else "right")])


def test_everybody_sees_every_pair_once_in_the_same_order_on_sides_of_their_own(run: RunDirectory) -> None:
    ann, bob = rate_all(run, "Ann"), rate_all(run, "Bob", "skip")
    assert len(ann) == 8 * 3 - 2  # two pairs say the same and are passed over
    assert [each.identities for each in ann] == [each.identities for each in bob]
    assert len({each.identities for each in ann}) == len(ann)
    assert [each.sample for each in ann[:8]] != sorted(each.sample for each in ann[:8])
    assert len({each.sample for each in ann[:8]}) > 6  # a round shows each sample once
    sides = [each.swapped for each in ann]
    assert 4 < sum(sides) < len(sides) - 4
    assert sides != [each.swapped for each in bob]


def test_what_is_shown_names_neither_variant_nor_model(run: RunDirectory) -> None:
    each = shown(run, "Ann")
    assert each is not None
    assert each.question.startswith("Word w")  # what the first variant asks, whoever answered
    assert not any(name in repr(each) for name in ("script", "zero_shot", "variant"))
    assert each.reference.startswith("answer w")


def test_the_side_that_was_chosen_is_the_answer_that_stood_there(run: RunDirectory) -> None:
    prefer(run, "Ann", ["polite", "plain", "loud"])
    found = preferred(run)
    assert found is not None
    assert [row["variant"] for row in found.rows()] == ["polite", "plain", "loud"]
    best = found.rows()[0]
    assert (best["wins"], best["losses"], best["n"]) == (16, 0, 16)
    assert any("half a win" in each for each in found.fit.cautions)


def test_undo_takes_back_the_last_of_that_person_and_shows_it_again(run: RunDirectory) -> None:
    first = shown(run, "Ann")
    assert first is not None
    keep(run, [first.rated("Ann", "left")])
    second = shown(run, "Ann")
    assert second is not None
    keep(run, [second.rated("Ann", "tie"), Rating("Bob", *second.identities, "a")])
    taken = undo(run, " Ann ", "pairs")
    assert taken is not None
    assert (taken.said, taken.a) == ("tie", second.identities[0])
    assert shown(run, "Ann") == second
    assert [each.rater for each in ratings(run)] == ["Ann", "Bob"]
    assert undo(run, "Ann", "single") is None
    assert undo(run, "Nobody", "pairs") is None


def test_a_second_opinion_of_the_same_person_replaces_the_first(run: RunDirectory) -> None:
    each = shown(run, "Ann")
    assert each is not None
    keep(run, [each.rated("Ann", "left"), each.rated("Ann", "tie")])
    assert [found.said for found in ratings(run)] == ["tie"]


def test_what_is_to_be_first_replaces_nothing(run: RunDirectory) -> None:
    each = shown(run, "Ann")
    assert each is not None
    assert keep_first(run, each.rated("Ann", "left"))
    assert not keep_first(run, each.rated("Ann ", "tie"))
    assert keep_first(run, each.rated("Bob", "tie"))
    assert [found.said for found in ratings(run)] == [each.rated("Ann", "left").said, "tie"]
    undo(run, "Ann", "pairs")
    assert keep_first(run, each.rated("Ann", "tie"))


def test_single_answers_are_labelled_and_averaged_along_the_scale(run: RunDirectory) -> None:
    for who in ("Ann", "Bob"):
        while (each := shown(run, who, "single")) is not None:
            good = each.answers[0].startswith("polite") or who == "Bob"
            keep(run, [each.rated(who, "good" if good else "bad", GOOD_OR_BAD)])
    (found,) = graded(run)
    assert found.scale == GOOD_OR_BAD
    rows = {row["variant"]: row for row in found.rows()}
    assert (rows["polite"]["mean"], rows["polite"]["good"], rows["polite"]["n"]) == (1.0, 16, 16)
    assert (rows["plain"]["mean"], rows["plain"]["bad"]) == (0.5, 8)
    assert found.concord.pairs[0][:4] == ("Ann", "Bob", 24, pytest.approx(8 / 24))


def test_agreement_counts_only_what_several_people_rated(run: RunDirectory) -> None:
    prefer(run, "Ann", ["polite", "plain", "loud"])
    prefer(run, "Bob", ["plain", "polite", "loud"], most=5)
    found = preferred(run)
    assert found is not None
    assert found.concord.n == 5
    assert found.people == {"Ann": 22, "Bob": 5}
    assert found.concord.pairs[0][:3] == ("Ann", "Bob", 5)


def test_a_majority_decides_and_a_draw_of_people_says_nothing() -> None:
    pair, other = (b"1", b"2"), (b"3", b"4")
    said = [
        ("Ann", pair, "a"),
        ("Bob", pair, "a"),
        ("Cy", pair, "b"),
        ("Ann", other, "a"),
        ("Bob", other, "b"),
    ]
    found = [Rating(who, *answers, what) for who, answers, what in said]
    assert majority([*found, Rating("Di", *other, "skip")]) == {pair: "a"}


def test_what_leaves_as_a_table_comes_back_as_it_was(run: RunDirectory, tmp_path: Path) -> None:
    from promptlab.export import export_run

    keep(run, [each.rated("=Ann", "left", comment="+1\nreally") for each in [shown(run, "=Ann")] if each])
    prefer(run, "Bob", ["polite", "plain", "loud"], most=4)
    for each in [shown(run, "Bob", "single")]:
        assert each is not None
        keep(run, [each.rated("Bob", "good", GOOD_OR_BAD)])
    before = ratings(run)
    for ending in ("csv", "tsv", "jsonl"):
        path = tmp_path / f"ratings.{ending}"
        assert export_run(run, path, "ratings") == "6 ratings"
        (run.path / ANNOTATIONS).unlink()
        assert import_ratings(run, path) == 6
        after = ratings(run)
        assert [(r.rater, r.a, r.b, r.said, r.scale, r.swapped, r.comment) for r in after] == [
            (r.rater, r.a, r.b, r.said, r.scale, r.swapped, r.comment) for r in before
        ]
        assert [round(r.at) for r in after] == pytest.approx([r.at for r in before], abs=1)


def test_a_wrong_row_is_named_and_nothing_of_its_file_is_kept(run: RunDirectory, tmp_path: Path) -> None:
    prefer(run, "Ann", ["polite", "plain", "loud"], most=1)
    (row,) = rating_rows(run)
    for wrong, told in [
        ({"variant_a": "plian"}, "Did you mean 'plain'"),
        ({"sample": "s99"}, "no answer with"),
        ({"said": "better"}, "says nothing of a pair"),
        ({"rater": ""}, "needs a name"),
        ({"at": "yesterday"}, "isoformat"),
    ]:
        path = tmp_path / "wrong.jsonl"
        path.write_text(json.dumps({**row, "rater": "Bob"}) + "\n" + json.dumps({**row, **wrong}) + "\n")
        with pytest.raises(UsageError, match=told) as refused:
            import_ratings(run, path)
        assert "row 2" in str(refused.value)
    assert [each.rater for each in ratings(run)] == ["Ann"]


def test_a_file_from_before_there_were_ratings_gets_their_table(run: RunDirectory) -> None:
    with closing(sqlite3.connect(run.path / ANNOTATIONS)) as old:
        old.executescript(MIGRATIONS[0])
        old.execute("INSERT INTO labels VALUES (x'01', 'good', 'labels.csv')")
        old.execute("PRAGMA user_version = 1")
        old.commit()
    assert ratings(run) == []
    prefer(run, "Ann", ["polite", "plain", "loud"], most=1)
    assert len(ratings(run)) == 1
    with Annotations.open(run) as annotations:
        assert annotations.labels() == {b"\x01": "good"}
    with closing(sqlite3.connect(run.path / ANNOTATIONS)) as newer:
        newer.execute("PRAGMA user_version = 99")
    with pytest.raises(StorageError, match="newer promptlab"):
        ratings(run)


@pytest.fixture
def judged(tmp_path: Path, made: Path) -> RealCommand:
    """The same run with a pairwise judge against `plain`, and a rubric judge."""
    for name in ("data.jsonl", "script.yaml"):
        shutil.copy(made / name, tmp_path / name)
    (tmp_path / "judge.yaml").write_text(
        "- {regex: '\\[\\[(?P<x>A|B|TIE)', reply: 'TIE'}\n- {default: 'Verdict: good'}\n"
    )
    text = EXPERIMENT.replace("model: judge", "model: {id: scripted/judge.yaml}")
    (tmp_path / "exp.yaml").write_text(text)
    command = RealCommand(tmp_path)
    command.run("run", "exp.yaml", code=None)
    return command


def test_ratings_are_labels_for_judges_and_the_command_line_shows_them(judged: RealCommand) -> None:
    home = judged.folder / ".promptlab"
    (path,) = (home / "runs").iterdir()
    run = RunDirectory(path)
    with RunReader(run) as reader:
        assert scales_of(reader) == {"quality": GOOD_OR_BAD}
    with pytest.raises(UsageError, match="nobody has rated pairs"):
        keep_as_labels(run, "pairs")
    prefer(run, "Ann", ["polite", "plain", "loud"])
    assert keep_as_labels(run, "pairs") == 8 + 6  # polite and loud against plain, but for two equal ones
    with Annotations.open(run) as annotations:
        assert sorted(annotations.labels().values()) == ["loss"] * 6 + ["win"] * 8
    out, _ = judged.run("ratings", run.id)
    assert "22 pairs of 8 samples; by Ann 22" in out
    assert out.index("polite") < out.index("plain")
    rate_all(run, "Ann", "good", "single")
    out, _ = judged.run("score", run.id, "--ratings", "single", code=None)
    assert "24 labels kept" in out
    judged.run("export", run.id, "--what", "ratings", "--to", "r.csv")
    out, err = judged.run("ratings", run.id, "--from", "r.csv")
    assert "46 ratings kept" in err
    assert "bad < good" in out
