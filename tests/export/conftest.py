"""The cells of the analysis tests, and the readers of this folder."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest

import promptlab
from promptlab.runs import RunDirectory

sys.path.insert(0, str(Path(__file__).parent))

_SPEC = importlib.util.spec_from_file_location(
    "analysis_cells", Path(__file__).parents[1] / "analysis" / "conftest.py"
)
assert _SPEC is not None
assert _SPEC.loader is not None
_analysis = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(_analysis)

cell = _analysis.cell

# A model's reply that tries to be everything at once.
HOSTILE = (
    '=HYPERLINK("http://evil/","x") <img src=x onerror=alert(1)> </script><script>alert(2)</script> '
    "\\end{table} [4] 100% _x0041_ yes"
)
NAME = "odd & <b>even</b>"
EXPERIMENT = f"""\
name: {json.dumps(NAME)}
dataset: {{path: data.jsonl, target: a, id: id, split: {{train: 10, test: 50}}}}
task: {{system: "Be 100% exact.", prompt: "Is {{{{ q }}}} odd?", answer: yes_no,
       answer_instruction: "  Don't   guess, 'please'.\\n\\n * yes\\n[no]"}}
models: [{{id: scripted/good.yaml, name: good}}, {{id: scripted/bad.yaml, name: "bad_<i>one</i>"}}]
variants: [zero_shot, {{technique: few_shot, demos: 3}}, zero_shot_cot]
primary: yes_no
"""


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    """Three variants and two models over fifty samples. With "good" zero_shot_cot beats the others."""
    folder = tmp_path_factory.mktemp("finished")
    rows = [{"id": f"n{i}", "q": str(i), "a": "yes" if i % 2 else "no"} for i in range(60)]
    (folder / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    good = [
        {"regex": r"(?s)Is \d*[13579] odd.*Therefore", "reply": "yes"},
        {"regex": r"(?s)Is \d*[02468] odd.*Therefore", "reply": "no"},
        {"regex": r"Is \d*[02] odd", "reply": HOSTILE},
        {"regex": r"Is \d*[13579] odd", "reply": "I do not know."},
        {"default": "no"},
    ]
    (folder / "good.yaml").write_text(json.dumps(good))
    (folder / "bad.yaml").write_text(json.dumps([{"default": "=1+1 yes"}]))
    (folder / "exp.yaml").write_text(EXPERIMENT)
    done = promptlab.load(folder / "exp.yaml", home=folder / "home").run()
    assert done.status == "complete"
    return done.run
