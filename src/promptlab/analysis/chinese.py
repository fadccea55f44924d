"""The sentences that matter, in Chinese: the verdicts on the primary scorer, and format or ability."""

from __future__ import annotations

from collections.abc import Sequence

from promptlab.analysis import words
from promptlab.analysis.comparison import Comparison, Pair, Verdict
from promptlab.analysis.verdict import Speaker, meaning_of

MOST_SENTENCES = 4
_ORDER = (
    Verdict.BEATS,
    Verdict.LOSES,
    Verdict.ERRORS,
    Verdict.UNFINISHED,
    Verdict.NO_DATA,
    Verdict.NOT_DISTINGUISHABLE,
)
_MEANINGS = {
    "the answers are better, their format worse": "答案更好，格式更差",
    "the answers are worse, their format better": "答案更差，格式更好",
    "format explains the rest": "其余部分源于格式",
    "format hides part of it": "部分差异被格式掩盖",
    "format explains it, and no difference in ability could be shown": "差异源于格式，未能证明能力有差别",
}
_DRAWN_ONCE = {"demo set": "示例集", "demo order": "示例顺序"}


class ChineseSpeaker(Speaker):
    """Says in Chinese what a comparison's pairs show. The numbers are those of the English sentences."""

    def where(self, pair: Pair) -> str:
        """`（模型 m，数据集 d）`; empty where a reader needs to be told nothing."""
        parts = []
        if pair.a.variant == pair.b.variant:
            parts.append(f"变体 {self.variant(pair.a.variant)}")
        elif self.many_models:
            parts.append(f"模型 {pair.a.model}")
        if pair.a.dataset is None:
            parts.append("全部数据集")
        elif self.many_datasets:
            parts.append(f"数据集 {pair.a.dataset}")
        if once := self.drawn_once(pair):
            parts.append(f"限于本次的{'、'.join(_DRAWN_ONCE.get(each, each) for each in once)}")
        return f"（{'，'.join(parts)}）" if parts else ""

    def variant(self, name: str) -> str:
        said = super().variant(name)
        return said.replace(" (oracle)", "（含答案）")

    def verdict(self, pair: Pair) -> str:
        """One sentence: who is better and by how much, or why nothing can be said."""
        a, b = self.sides(pair)
        where = self.where(pair)
        match pair.verdict:
            case Verdict.BEATS:
                return f"{a} 显著优于 {b}{where}：{self.difference(pair)}，{self.p(pair)}。"
            case Verdict.LOSES:
                return f"{b} 显著优于 {a}{where}：{self.difference(pair, turned=True)}，{self.p(pair)}。"
            case Verdict.NOT_DISTINGUISHABLE:
                told = f"{self.difference(pair)}，{self.p(pair)}；{self.reach([pair])}"
                return f"{a} 与 {b} 差异不显著{where}：{told}。"
            case Verdict.UNFINISHED:
                done = f"{words.count(pair.planned - pair.pending)} / {words.count(pair.planned)}"
                return f"{a} 与 {b} 暂无结论{where}：已完成 {done} 次试验。"
            case Verdict.NO_DATA:
                return f"{a} 与 {b} 无法比较{where}：没有两者共有得分的样本。"
            case Verdict.ERRORS:
                return (
                    f"{a} 与 {b} 无法判定优劣{where}：分别有 {words.count(pair.missing_a)} 和 "
                    f"{words.count(pair.missing_b)} 次试验没有得分，占比之差超过得分之差"
                    f"（{self.signed(pair)} {pair.scorer}）。"
                )
            case Verdict.NOT_TESTED:
                return f"{a} 与 {b}{where}：{self.difference(pair)}；不在预定的比较族内。"

    def difference(self, pair: Pair, *, turned: bool = False) -> str:
        """`exact_match 0.90 对 0.30，+0.60 [0.44, 0.72]`."""
        found = pair.found
        if found is None:
            return f"{pair.scorer} 没有差异数据"
        one, other = (found.mean_b, found.mean_a) if turned else (found.mean_a, found.mean_b)
        return (
            f"{pair.scorer} {words.number(one, self.digits)} 对 {words.number(other, self.digits)}，"
            f"{self.signed(pair, turned=turned)} {self.bounds(pair, turned=turned)}".rstrip()
        )

    def p(self, pair: Pair) -> str:
        size = self.comparison.family_sizes.get(pair.scorer, 1)
        if size < 2 or pair.found is None:
            return words.p_words(pair.p_adjusted)
        alone = ""
        if pair.found.p < 0.05 and pair.p_adjusted is not None and pair.p_adjusted >= 0.05:
            alone = f"（单独检验 {words.p_value(pair.found.p)}）"
        return f"经 {size} 个比较的 Holm 校正 {words.p_words(pair.p_adjusted)}{alone}"

    def reach(self, pairs: list[Pair]) -> str:
        n = min(pair.found.n for pair in pairs if pair.found)
        known = [pair.detectable for pair in pairs if pair.detectable is not None]
        if not known or len(known) < len(pairs):
            return f"{words.count(n)} 个样本太少，检出不了任何差异（80% 功效）"
        limit = words.number(max(known), self.digits)
        return f"{words.count(n)} 个样本可检出 {limit} 的差异（80% 功效）"

    def format_and_ability(self, strict: Pair, extracted: Pair) -> str | None:
        meaning = meaning_of(strict, extracted, self.digits)
        if meaning is None:
            return None
        a, b = self.sides(strict)
        told = f"：{_MEANINGS[meaning]}" if meaning else ""
        return (
            f"{a} 对 {b}{self.where(strict)}：{self.signed(strict)} {strict.scorer}；"
            f"抽取答案后 {self.signed(extracted)} {self.bounds(extracted)}{told}。"
        )


def chinese(comparison: Comparison) -> tuple[str, ...]:
    """At most four sentences and how many more pairs there are, what was shown first."""
    speaker = ChineseSpeaker(comparison)
    pairs = [pair for pair in comparison.pairs if pair.in_family and pair.scorer == comparison.primary]
    oracles = {cell.result.variant for cell in comparison.cells if cell.result.oracle}
    pairs = [pair for pair in pairs if not {pair.a.variant, pair.b.variant} & oracles] or pairs
    if not pairs:
        return _alone(comparison, speaker)
    if all(pair.verdict is Verdict.UNFINISHED for pair in pairs):
        planned = sum(cell.result.planned for cell in comparison.cells)
        done = planned - sum(cell.result.pending for cell in comparison.cells)
        return (
            f"暂无结论：计划的 {words.count(planned)} 次试验已完成 {words.count(done)} 次，"
            "全部完成后才作比较。",
        )
    pairs.sort(key=lambda pair: (_ORDER.index(pair.verdict), -abs(pair.diff or 0.0)))
    said = [speaker.verdict(pair) for pair in pairs[: MOST_SENTENCES - 1]]
    if told := _format(comparison, speaker, pairs):
        said.append(told)
    rest = len(pairs) - (MOST_SENTENCES - 1)
    return (*said, f"另有 {rest} 个比较，见配对差异表。") if rest > 0 else tuple(said)


def _alone(comparison: Comparison, speaker: Speaker) -> tuple[str, ...]:
    for cell in comparison.cells:
        score = cell.scores.get(comparison.primary)
        if score and score.interval and not cell.result.oracle:
            found = score.interval
            interval = words.bounds(found.low, found.high, speaker.digits)
            mean = words.number(found.mean, speaker.digits)
            return (f"{cell.name.variant} 的 {comparison.primary} 为 {mean} {interval}；没有可比较的对象。",)
    return ()


def _format(comparison: Comparison, speaker: ChineseSpeaker, pairs: Sequence[Pair]) -> str | None:
    family = comparison.family
    if family.strict is None or family.extracted is None:
        return None
    by_name = {(pair.scorer, pair.a, pair.b): pair for pair in comparison.pairs}
    for pair in pairs:
        strict = by_name.get((family.strict, pair.a, pair.b))
        extracted = by_name.get((family.extracted, pair.a, pair.b))
        if strict and extracted and (said := speaker.format_and_ability(strict, extracted)):
            return said
    return None
