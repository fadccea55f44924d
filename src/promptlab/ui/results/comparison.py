"""The comparison of one run: verdicts in words, its cells, its paired differences, samples worth a look."""

from __future__ import annotations

import streamlit as st

from promptlab.analysis import CellSummary, Comparison, Pair, Verdict, words
from promptlab.analysis.items import Item, disputed, sample_names, worst
from promptlab.analysis.optimizations import optimization_sentences
from promptlab.analysis.verdict import Speaker
from promptlab.ui.language import Texts, in_chosen, language
from promptlab.ui.results.grid import Lines, column, grid, interval, named, part, section, text_cell
from promptlab.ui.results.loaded import StoredRun, comparison_of
from promptlab.ui.results.where import bound, chosen, follow, move
from promptlab.ui.shown import escaped, noted, visible

say = Texts(
    verdict=("Verdict", "结论"),
    cells=("Cells", "单元"),
    cells_how=(
        "Click a cell to see its trials. Brackets: 95 % intervals.",
        "点击单元可查看其试验。方括号内为 95% 置信区间。",
    ),
    pairs=("Paired differences", "配对差异"),
    pairs_how=(
        "a − b, paired by sample. p is corrected (Holm) over the family of {size} comparisons.",
        "a − b，按样本配对；p 值已在 {size} 个比较的族内作 Holm 校正。",
    ),
    scorer=("Scorer", "评分器"),
    cell=("Variant", "变体"),
    model=("Model", "模型"),
    dataset=("Data set", "数据集"),
    trials=("Trials", "试验"),
    no_answer=("No answer", "无答案"),
    errors=("Errors", "出错"),
    answered=("Mean answered", "有答案时均值"),
    tokens=("Tokens / trial", "token/试验"),
    calls=("Calls / trial", "调用/试验"),
    cost=("USD", "美元"),
    latency=("Time p50 / p95", "用时 p50 / p95"),
    unknown=("unknown", "未知"),
    all_data=("(all data sets)", "（全部数据集）"),
    difference=("Difference", "差异"),
    judged=("Verdict", "结论"),
    flipped=("Flipped samples", "结果翻转的样本"),
    show_flips=("show", "查看"),
    notes=("Notes", "说明"),
    look=("Worth a look", "值得一看"),
    worst=("Lowest over all cells", "各单元平均最低"),
    disputed=("Cells disagree most", "各单元分歧最大"),
    sample=("Sample", "样本"),
    mean=("Mean", "均值"),
    spread=("Spread", "离散度"),
    nothing=("No trial is finished yet.", "尚无已完成的试验。"),
    breakdown=("By {field} (exploratory: nothing is corrected)", "按 {field} 细分（探索性分析，未作校正）"),
    value=("Value", "取值"),
    oracle=("oracle", "含答案"),
    judges=("Judges", "评审模型"),
    judge_told=(
        "{judge} ({model}): {n:,} judged, agreement with people {agreement}, kappa {kappa} (n = {people})",
        "{judge}（{model}）：评审 {n:,} 条，与人工一致率 {agreement}，kappa {kappa}（n = {people}）",
    ),
)
verdicts = Texts(
    BEATS=("a beats b", "a 显著优于 b"),
    LOSES=("b beats a", "b 显著优于 a"),
    NOT_DISTINGUISHABLE=("not distinguishable", "差异不显著"),
    UNFINISHED=("no verdict before the planned trials are finished", "计划的试验未完成，暂无结论"),
    NO_DATA=("no sample has a score in both cells", "没有两个单元共有得分的样本"),
    ERRORS=("no winner: errors differ by more than the difference", "无法判定：错误之差大于得分之差"),
    NOT_TESTED=("outside the family of comparisons", "不在预定的比较族内"),
)
_MOST_PAIRS = 60
_MOST_PARTS = 100


def show(run: StoredRun) -> None:
    """The view."""
    compared = comparison_of(run.directory)
    if not any(cell.result.n + cell.result.errors for cell in compared.cells):
        noted(say("nothing"))
        return
    with st.container(key="results-verdict", gap="xsmall"):
        for sentence in compared.told(language()):
            st.text(visible(sentence))
    scorers = list(compared.family.scorers)
    scorer = chosen("scorer", scorers, compared.primary)
    if len(scorers) > 1:
        st.segmented_control(
            say("scorer"),
            scorers,
            format_func=escaped,
            required=True,
            **bound("scorer", scorer, key="results-compared-scorer", leave_out=compared.primary),
        )
    _cells(compared, scorer)
    _pairs(compared, scorer)
    _breakdowns(compared, scorer)
    _items(run, compared)
    for judge in compared.judges:
        human = judge.human
        st.text(
            visible(
                say(
                    "judge_told",
                    judge=judge.scorer,
                    model=judge.model,
                    n=judge.done.judged,
                    agreement=words.number(human.agreement if human else None),
                    kappa=words.number(human.kappa if human else None),
                    people=human.n if human else 0,
                )
            )
        )
    notes = [*compared.notes, *optimization_sentences(compared), *compared.exposure]
    if notes:
        with st.expander(say("notes"), expanded=True):
            for note in notes:
                st.text(visible(in_chosen(note)))


def _cells(compared: Comparison, scorer: str) -> None:
    speaker = Speaker(compared)
    several = [
        len({getattr(cell.result, each) for cell in compared.cells}) > 1 for each in ("model", "dataset")
    ]
    columns = [named(say("cell"))]
    columns += [named(say("model"))] if several[0] else []
    columns += [named(say("dataset"))] if several[1] else []
    columns += [
        column([part(scorer)], width="19rem"),
        *(named(each, number=True) for each in compared.family.scorers if each != scorer),
        named(say("answered"), number=True),
        *(named(say(each), number=True) for each in ("trials", "no_answer", "errors", "calls", "tokens")),
        *(named(say(each), number=True) for each in ("cost", "latency")),
    ]
    rows = [
        _cell_row(number, cell, compared, scorer, speaker, several)
        for number, cell in enumerate(compared.cells)
    ]
    section(say("cells"))
    st.caption(say("cells_how"))
    told = grid("results-cells", say("cells"), columns, rows, height="30rem")

    def open_cell(number: str) -> None:
        name = compared.cells[int(number)].name
        move(view="answers", variant=name.variant, model=name.model, dataset=name.dataset)

    follow(told, ("cell", open_cell))


def _cell_row(
    number: int, cell: CellSummary, compared: Comparison, scorer: str, speaker: Speaker, several: list[bool]
) -> list[Lines]:
    result, digits = cell.result, speaker.digits
    act = f"cell:{number}"
    name = [part(result.variant, "name", act=act)]
    name += [part(say("oracle"), "warn")] if result.oracle else []
    row: list[Lines] = [[name]]
    row += [text_cell(result.model)] if several[0] else []
    row += [text_cell(result.dataset)] if several[1] else []
    found = cell.scores[scorer].interval if scorer in cell.scores else None
    mean = part(words.number(found.mean if found else None, digits), "strong", act=act)
    told = words.bounds(found.low, found.high, digits) if found else ""
    drawn = interval(found.low, found.mean, found.high) if found else part("")
    row.append([[mean, part(told), drawn]])
    row += [
        text_cell(words.number(score.mean, digits))
        for name_, score in ((each, cell.scores[each]) for each in compared.family.scorers if each != scorer)
    ]
    trials = max(result.n, 1)
    known = None not in (result.prompt_tokens, result.completion_tokens)
    tokens = ((result.prompt_tokens or 0) + (result.completion_tokens or 0)) / trials
    silent = result.unparsed + result.refused + result.truncated + result.sandbox
    cost = say("unknown") if result.cost_usd is None else words.usd(result.cost_usd).removesuffix(" USD")
    row += [
        text_cell(words.number(cell.scores[scorer].mean_answered if scorer in cell.scores else None, digits)),
        text_cell(f"{words.count(result.n)} / {words.count(result.planned)}"),
        text_cell(words.count(silent)),
        text_cell(words.count(result.errors)),
        text_cell(f"{result.calls / trials:.1f}"),
        text_cell(words.count(tokens) if known else say("unknown")),
        text_cell(cost),
        text_cell(f"{words.seconds(result.latency_p50_s)} / {words.seconds(result.latency_p95_s)}"),
    ]
    return row


def _pairs(compared: Comparison, scorer: str) -> None:
    pairs = [pair for pair in compared.pairs if pair.scorer == scorer]
    pairs.sort(key=lambda pair: not pair.in_family)
    if not pairs:
        return
    speaker = Speaker(compared)
    columns = [
        named("a"),
        named("b"),
        named(say("difference")),
        named("p", number=True),
        named("n", number=True),
        named(say("judged")),
        named(say("flipped")),
    ]
    rows = []
    for number, pair in enumerate(pairs[:_MOST_PAIRS]):
        flips: Lines = [[part(say("show_flips"), "link", act=f"flips:{number}")]] if pair.a.dataset else [[]]
        won = pair.verdict in (Verdict.BEATS, Verdict.LOSES)
        rows.append(
            [
                _side(pair, 0, compared),
                _side(pair, 1, compared),
                [[part(speaker.signed(pair), "strong"), part(speaker.bounds(pair))]],
                text_cell(words.p_value(pair.p_adjusted)),
                text_cell(words.count(pair.found.n if pair.found else 0)),
                [[part(verdicts(pair.verdict.name), "good" if won else "")]],
                flips,
            ]
        )
    section(say("pairs"))
    st.caption(say("pairs_how", size=compared.family_sizes.get(scorer, 1)))
    told = grid("results-pairs", say("pairs"), columns, rows, height="24rem")

    def open_flips(number: str) -> None:
        pair = pairs[int(number)]
        a, b = (" × ".join((side.variant, side.model)) for side in (pair.a, pair.b))
        move(
            view="answers",
            dataset=pair.a.dataset,
            variant=None,
            model=None,
            filter="flipped",
            a=a,
            b=b,
            scorer=scorer,
        )

    follow(told, ("flips", open_flips))


def _side(pair: Pair, which: int, compared: Comparison) -> Lines:
    name = (pair.a, pair.b)[which]
    lines: Lines = [[part(name.variant)]]
    more = []
    if len({cell.result.model for cell in compared.cells}) > 1:
        more.append(part(name.model, "small"))
    if len({cell.result.dataset for cell in compared.cells}) > 1:
        more.append(part(name.dataset or say("all_data"), "small"))
    return [*lines, more] if more else lines


def _breakdowns(compared: Comparison, scorer: str) -> None:
    for number, each in enumerate(compared.breakdowns):
        if not each.parts:
            continue
        with st.expander(say("breakdown", field=escaped(each.field))):
            columns = [named(say("value")), named(say("cell")), named(scorer), named("n", number=True)]
            rows = []
            for one in each.parts[:_MOST_PARTS]:
                found = one.scores[scorer].interval if scorer in one.scores else None
                told = [part(words.number(found.mean if found else None), "strong")]
                told += [part(words.bounds(found.low, found.high))] if found else []
                where = " × ".join((one.cell.variant, one.cell.model))
                rows.append(
                    [text_cell(one.value or "-"), text_cell(where), [told], text_cell(words.count(one.n))]
                )
            grid(f"results-breakdown-{number}", say("value"), columns, rows, height="24rem")


def _items(run: StoredRun, compared: Comparison) -> None:
    names = sample_names(run.directory)
    found = {"worst": worst(compared, names), "disputed": disputed(compared, names)}
    if not any(found.values()):
        return
    with st.expander(say("look")):
        for place, (name, items) in zip(st.columns(2), found.items(), strict=True):
            with place:
                _item_table(name, items)


def _item_table(name: str, items: list[Item]) -> None:
    if not items:
        return
    st.caption(say(name))
    columns = [named(say("sample")), named(say("mean"), number=True), named(say("spread"), number=True)]
    rows = [
        [
            [[part(each.sample, "link", act=f"sample:{number}")]],
            text_cell(words.number(each.mean)),
            text_cell(words.number(each.spread)),
        ]
        for number, each in enumerate(items)
    ]

    def open_sample(number: str) -> None:
        item = items[int(number)]
        move(view="answers", dataset=item.dataset, variant=None, model=None, sample=item.sample)

    follow(grid(f"results-{name}", say(name), columns, rows), ("sample", open_sample))
