"""What a paper quotes is what was sent, what answered, and what is known."""

from __future__ import annotations

import re
from pathlib import Path

from tabular import text_of

from promptlab.export import export_run
from promptlab.export.bibliography import drafted, entries
from promptlab.export.paper import example_prompts
from promptlab.runs import RunDirectory, RunReader
from promptlab.scoring import scorers
from promptlab.techniques import techniques

_EPRINT = re.compile(r"eprint = \{([\d.]+)\}")
_NAMED = re.compile(r"([A-Z][\w-]+)(?: et al\.| and [A-Z]\w+)?,? (\d{4})[,\s(]+arXiv\s+(\d{4}\.\d{4,5})")


def written(run: RunDirectory, path: Path, what) -> str:
    export_run(run, path, what)
    return path.read_text(encoding="utf-8")


def test_the_appendix_holds_every_message_of_every_variant_word_for_word(
    finished_run: RunDirectory, tmp_path: Path
) -> None:
    text = written(finished_run, tmp_path / "out.md", "prompts")
    fenced = re.findall(r"^(`{3,})text\n(.*?)\n\1$", text, re.MULTILINE | re.DOTALL)
    blocks = [block for _, block in fenced]
    with RunReader(finished_run) as reader:
        found = example_prompts(reader)
        sent = [message["content"] for each in found for call in each.calls for message in call["messages"]]
    assert [each.title for each in found] == ["zero_shot", "few_shot", "zero_shot_cot"]
    assert "Is {{ q }} odd?" in blocks
    assert set(sent) <= set(blocks)
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == ["zero\\_shot", "few\\_shot", "zero\\_shot\\_cot"]


def test_in_latex_a_prompt_keeps_its_lines_and_spaces_and_runs_nothing(
    finished_run: RunDirectory, tmp_path: Path
) -> None:
    text = written(finished_run, tmp_path / "out.tex", "prompts")
    blocks = re.findall(r"\\begin\{quote\}\\ttfamily\\raggedright\n(.*?)\n\\end\{quote\}", text, re.DOTALL)
    printed = ["\n".join(text_of(line) for line in block.split("\\\\\n")) for block in blocks]
    with RunReader(finished_run) as reader:
        messages = [m["content"] for p in example_prompts(reader) for c in p.calls for m in c["messages"]]
    assert set(messages) <= set(printed)
    assert text.count("\\begin{quote}") == text.count("\\end{quote}") == len(blocks)


def test_methods_say_n_models_as_returned_dates_sampling_seed_tests_and_corrections(
    finished_run: RunDirectory, tmp_path: Path
) -> None:
    told = written(finished_run, tmp_path / "out.txt", "methods")
    assert "n = 50 test samples" in told
    assert (
        "good (requested as scripted/good.yaml), named good.yaml by the provider, answered 200 calls" in told
    )
    assert re.search(r"on \d{4}-\d\d-\d\d \(UTC\), with temperature 0\.", told)
    assert "use seed 0" in told
    assert "The primary score is yes_no; exact_match stands beside it." in told
    assert "tested by mid-p McNemar" in told
    assert "Holm's procedure over 9 comparisons." in told
    assert "SHA-256 of the data: " + finished_run.manifest()["datasets"]["data"]["hash"][:12] in told
    assert "<i>" not in written(finished_run, tmp_path / "out.md", "methods").replace("\\<i\\>", "")


def test_bibtex_has_an_entry_for_each_source_and_names_what_has_none(
    finished_run: RunDirectory, tmp_path: Path
) -> None:
    text = written(finished_run, tmp_path / "out.bib", None)
    keys = re.findall(r"^@\w+\{([^,]+),", text, re.MULTILINE)
    assert keys[:2] == ["kojima2022zeroshot", "brown2020fewshot"]
    assert {"wilson1927", "fagerland2013mcnemar", "tango1998", "holm1979"} <= set(keys)
    assert len(keys) == len(set(keys))
    assert "% no source known: data set data" in text
    assert text.count("@") == len(keys)


def test_a_technique_with_a_source_of_its_own_becomes_an_entry_to_complete() -> None:
    draft = drafted("arxiv2399-00001", "2399.00001", "Doe et al. 2023 (arXiv 2399.00001). One call.")
    assert "author = {Doe and others}" in draft
    assert "year = {2023}" in draft
    assert "title = {[title of arXiv:2399.00001]}" in draft


def test_every_entry_is_well_formed_and_no_two_are_the_same_paper() -> None:
    numbers = []
    for key, entry in entries().items():
        assert entry.startswith("@")
        assert entry.count("{") == entry.count("}"), key
        fields = dict(re.findall(r"^  (\w+) = \{(.*)\},$", entry, re.MULTILINE))
        assert {"author", "title", "year"} <= fields.keys(), key
        assert fields["year"] in key, key
        if "eprint" in fields:
            numbers.append(fields["eprint"])
    assert len(numbers) == len(set(numbers))


def test_every_paper_that_a_built_in_names_has_an_entry_of_the_same_author_and_about_the_same_year() -> None:
    by_number = {found[1]: entry for entry in entries().values() if (found := _EPRINT.search(entry))}
    named = 0
    for registry in (techniques, scorers):
        for name in registry.names():
            for author, year, number in _NAMED.findall(registry.get(name).__doc__ or ""):
                entry, named = by_number[number], named + 1
                first = re.search(r"author = \{([^,]+),", entry)
                printed = re.search(r"year = \{(\d+)\}", entry)
                assert first is not None, name
                assert printed is not None, name
                assert first[1] == author, name
                assert int(printed[1]) - int(year) in (0, 1, 2), (
                    name
                )  # a preprint comes before its conference
    assert named > 25
