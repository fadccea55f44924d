"""The commands as a user types them: real processes, real files, a scripted model."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from command_template import run_command
from ruamel.yaml import YAML

import promptlab

ROOT = Path(__file__).resolve().parents[2]
EXPERIMENT = """\
name: signs
datasets:
  - {path: data.jsonl, target: sign, id: id, split: split}
task: {prompt: "Is {{ number }} positive or negative?", answer: label}
models:
  - {id: scripted/script.yaml, name: scripted}
variants:
  - zero_shot
  - {technique: few_shot, demos: 2}
"""
# The model is right on every other item alone, and always right once it has seen examples.
SCRIPT = """\
- {regex: "(?s)assistant: (positive|negative).*user: Is -\\\\d+ positive or negative.$", reply: negative}
- {regex: "(?s)assistant: (positive|negative)", reply: positive}
- {regex: "Is -?\\\\d*[02468] positive", reply: "That is hard to say, [red]sorry[/red]."}
- {regex: "Is -", reply: negative}
- {default: positive}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = [
        {
            "id": f"n{i}",
            "number": i if i % 4 < 2 else -i,
            "sign": "positive" if i % 4 < 2 else "negative",
            "split": "train" if i <= 8 else "test",
        }
        for i in range(1, 69)
    ]
    (tmp_path / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "script.yaml").write_text(SCRIPT)
    (tmp_path / "exp.yaml").write_text(EXPERIMENT)
    return tmp_path


def promptlab_command(folder: Path, *args: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    env = {key: value for key, value in os.environ.items() if not key.startswith("PROMPTLAB")}
    done = run_command(args, folder, env)
    assert done.returncode == code, done.stdout + done.stderr
    return done


def compared(folder: Path, *args: str, code: int = 0, target: str = "exp.yaml") -> dict[str, Any]:
    shown: dict[str, Any] = json.loads(
        promptlab_command(folder, "compare", target, "--json", *args, code=code).stdout
    )
    return shown


def test_compare_runs_everything_once_and_then_calls_nothing(folder: Path) -> None:
    first = compared(folder)
    assert first["status"] == "complete"
    assert first["sent_calls"] == 120
    zero, few = first["cells"]
    assert (zero["variant"], zero["n"], zero["unparsed"]) == ("zero_shot", 60, 30)
    assert few["scores"]["label"]["mean"] == 1.0
    assert zero["scores"]["label"]["mean"] == 0.5
    assert zero["scores"]["label"]["mean_answered"] == 1.0
    pair = next(pair for pair in first["pairs"] if pair["scorer"] == "label")
    assert abs(pair["diff"]) == 0.5
    assert pair["p_adjusted"] < 0.001
    second = compared(folder)
    assert second["sent_calls"] == 0
    assert {**second, "sent_calls": 120} == first


def test_the_table_says_who_wins_in_words_and_shows_failures(folder: Path) -> None:
    text = promptlab_command(folder, "compare", "exp.yaml").stdout
    assert "few_shot" in text
    assert "beats" in text
    assert "unparsed" in text
    assert "\x1b[" not in text  # no colours where there is no terminal


def test_a_stored_run_is_reprinted_by_name_id_and_prefix(folder: Path) -> None:
    first = compared(folder)
    for name in ("signs", first["run"], first["run"][:-2]):
        again = json.loads(promptlab_command(folder, "compare", name, "--json").stdout)
        assert again["cells"] == first["cells"]
        assert again["pairs"] == first["pairs"]
    assert "Did you mean 'signs'" in promptlab_command(folder, "compare", "sings", code=2).stderr


def test_a_new_variant_runs_only_what_is_new_and_a_removed_one_leaves_the_comparison(folder: Path) -> None:
    compared(folder)
    path = folder / "exp.yaml"
    path.write_text(
        EXPERIMENT + "  - {name: loud, technique: zero_shot, prompt: 'IS {{ number }} POSITIVE?'}\n"
    )
    more = compared(folder)
    assert more["sent_calls"] == 60
    assert [cell["variant"] for cell in more["cells"]] == ["zero_shot", "few_shot", "loud"]
    path.write_text(EXPERIMENT)
    fewer = compared(folder)
    assert fewer["sent_calls"] == 0
    assert [cell["variant"] for cell in fewer["cells"]] == ["zero_shot", "few_shot"]


def test_turning_variants_into_a_matrix_reruns_nothing(folder: Path) -> None:
    path = folder / "exp.yaml"
    by_hand = "".join(
        f"  - {{name: t{t}, technique: zero_shot, temperature: {t}}}\n" for t in ("0", "0.5", "1")
    )
    path.write_text(EXPERIMENT.replace("  - zero_shot\n", by_hand))
    assert compared(folder)["sent_calls"] == 240
    path.write_text(
        EXPERIMENT.replace("- zero_shot", "- {technique: zero_shot, matrix: {temperature: [0, 0.5, 1]}}")
    )
    listed = promptlab_command(folder, "validate", "exp.yaml").stdout
    assert "variants, zero_shot: 3 from the matrix\n    zero_shot[temperature=0]\n" in listed
    shown = compared(folder)
    assert shown["sent_calls"] == 0
    assert [cell["variant"] for cell in shown["cells"]] == [
        "zero_shot[temperature=0]",
        "zero_shot[temperature=0.5]",
        "zero_shot[temperature=1]",
        "few_shot",
    ]


def test_a_variant_named_without_its_matrix_means_all_that_the_matrix_made(folder: Path) -> None:
    made = '- {technique: zero_shot, matrix: {system: {calm: "Be calm.", terse: "Be terse."}}}'
    (folder / "exp.yaml").write_text(EXPERIMENT.replace("- zero_shot", made))
    for target in ("exp.yaml", "signs"):
        shown = compared(folder, "--variant", "zero_shot", target=target)
        assert [cell["variant"] for cell in shown["cells"]] == ["zero_shot[calm]", "zero_shot[terse]"]
        one = compared(folder, "--variant", "zero_shot[terse]", target=target)
        assert [cell["variant"] for cell in one["cells"]] == ["zero_shot[terse]"]
        for kind in ("variant", "model"):
            told = promptlab_command(folder, "compare", target, f"--{kind}", "zero_shit", code=2).stderr
            assert f"no {kind} 'zero_shit'" in told
        assert (
            "'zero_shot[calm]'"
            in promptlab_command(folder, "compare", target, "--variant", "zero_shot[clam]", code=2).stderr
        )


def test_limit_is_a_filter_on_the_same_run(folder: Path) -> None:
    part = compared(folder, "--limit", "10")
    assert part["sent_calls"] == 20
    assert {cell["n"] for cell in part["cells"]} == {10}
    whole = compared(folder)
    assert whole["sent_calls"] == 100
    assert whole["run"] == part["run"]


def test_a_variant_filter_runs_and_shows_only_that_variant(folder: Path) -> None:
    shown = compared(folder, "--variant", "few_shot")
    assert shown["sent_calls"] == 60
    assert [cell["variant"] for cell in shown["cells"]] == ["few_shot"]
    assert "zero_shot" in promptlab_command(folder, "compare", "exp.yaml", "--variant", "zero", code=2).stderr


def test_a_new_scorer_grades_stored_answers_without_a_call(folder: Path) -> None:
    compared(folder)
    (folder / "exp.yaml").write_text(EXPERIMENT + "scorers: [{scorer: contains, as: mentioned}]\n")
    shown = compared(folder)
    assert shown["sent_calls"] == 0
    assert shown["cells"][0]["scores"]["mentioned"]["mean"] == 0.5


def test_fresh_starts_a_new_run_from_the_cache(folder: Path) -> None:
    first = compared(folder)
    second = compared(folder, "--fresh")
    assert second["run"] != first["run"]
    assert second["sent_calls"] == 0
    assert [cell["cached_calls"] for cell in second["cells"]] == [60, 60]
    assert len(promptlab_command(folder, "runs").stdout.strip().splitlines()) >= 3


def test_show_prints_every_call_of_a_trial(folder: Path) -> None:
    compared(folder)
    listed = promptlab_command(folder, "show", "signs", "--sample", "n10").stdout
    assert "few_shot" in listed
    trials = json.loads(promptlab_command(folder, "show", "signs", "--sample", "n10", "--json").stdout)
    few = next(row for row in trials if row["variant"] == "few_shot")
    text = promptlab_command(folder, "show", "signs", str(few["trial"])).stdout
    assert "[user]" in text
    assert "Is -10 positive or negative?" in text
    assert "[reply]\nnegative" in text
    assert "demos: " in text
    assert "no trial 99999" in promptlab_command(folder, "show", "signs", "99999", code=2).stderr


@pytest.mark.parametrize("what", ["cells", "pairs", "trials", "calls"])
@pytest.mark.parametrize("ending", ["csv", "jsonl", "md"])
def test_every_table_is_exported_in_every_format(folder: Path, what: str, ending: str) -> None:
    compared(folder)
    promptlab_command(folder, "export", "signs", "--to", f"out.{ending}", "--what", what)
    expected = {"cells": 2, "trials": 120, "calls": 120}
    text = (folder / f"out.{ending}").read_text(encoding="utf-8")
    if ending == "csv":
        rows = list(csv.DictReader(text.splitlines(keepends=True)))
    elif ending == "jsonl":
        rows = [json.loads(line) for line in text.splitlines()]
    else:
        rows = [{"line": line} for line in text.splitlines()[2:]]
    assert len(rows) == expected.get(what, len(rows)) > 0


def test_an_unknown_ending_is_a_usage_error(folder: Path) -> None:
    compared(folder)
    assert ".docx" in promptlab_command(folder, "export", "signs", "--to", "out.docx", code=2).stderr


def test_validate_calls_nothing_and_says_what_it_found(folder: Path) -> None:
    assert "2 cells, 120 trials" in promptlab_command(folder, "validate", "exp.yaml").stdout
    assert not (folder / ".promptlab" / "runs").exists()
    (folder / "exp.yaml").write_text(EXPERIMENT.replace("zero_shot", "zero_shoot"))
    message = promptlab_command(folder, "validate", "exp.yaml", code=2).stderr
    assert message.startswith("promptlab: exp.yaml:8: variants.0")
    assert message.count("\n") == 1


def test_the_schema_accepts_what_the_loader_accepts(folder: Path) -> None:
    schema = json.loads(promptlab_command(folder, "schema").stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    yaml = YAML(typ="safe")
    shipped = [*sorted((ROOT / "experiments").glob("*.yaml")), folder / "exp.yaml"]
    assert len(shipped) > 1
    for path in shipped:
        validator.validate(yaml.load(path.read_text(encoding="utf-8")))
    assert not validator.is_valid(yaml.load(EXPERIMENT.replace("demos", "demso")))


def test_init_writes_an_experiment_that_is_valid(tmp_path: Path) -> None:
    promptlab_command(tmp_path, "init")
    promptlab_command(tmp_path, "validate", "experiment.yaml")
    assert "already" in promptlab_command(tmp_path, "init", code=2).stderr


def test_techniques_and_scorers_are_listed_and_explained(tmp_path: Path) -> None:
    assert "zero_shot_cot" in promptlab_command(tmp_path, "techniques").stdout
    one = promptlab_command(tmp_path, "techniques", "zero_shot_cot").stdout
    assert "2205.11916" in one
    assert "trigger" in one
    assert "'few_shot'" in promptlab_command(tmp_path, "techniques", "fewshot", code=2).stderr
    assert "exact_match" in promptlab_command(tmp_path, "scorers").stdout


def test_an_unknown_command_is_answered_with_the_nearest(tmp_path: Path) -> None:
    assert "compare" in promptlab_command(tmp_path, "comparre", code=2).stderr


def test_python_runs_and_compares_inside_a_running_loop(folder: Path) -> None:
    import asyncio

    async def notebook() -> None:
        experiment = promptlab.load(folder / "exp.yaml", home=folder / "home")
        result = experiment.run()
        assert result.status == "complete"
        assert result.sent_calls == 120
        frame = experiment.to_frame()
        assert list(frame["variant"]) == ["zero_shot", "few_shot"]
        assert len(experiment.to_frame("trials")) == 120
        assert experiment.comparison().to_json()["cells"][0]["n"] == 60

    asyncio.run(notebook())


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from promptlab.cli.main import run; run(['--help']);"
        "heavy = {'litellm', 'pandas', 'streamlit', 'numpy', 'scipy', 'pydantic', 'aiohttp', 'rich'};"
        "found = heavy & set(sys.modules); print(found, file=sys.stderr); sys.exit(len(found))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
