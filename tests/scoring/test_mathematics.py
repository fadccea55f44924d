r"""Mathematical answers are equal where they are worth the same; hostile ones cost nothing."""

from __future__ import annotations

import time

import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from promptlab.datasets.task import AnswerType
from promptlab.scoring import Answered, AnswerForm, Gold, extract, scorers
from promptlab.scoring.mathematics import equivalent

TEXT = AnswerForm(AnswerType.TEXT)

EQUAL = [
    # Fractions, decimals, roots
    (r"\frac{1}{2}", "0.5"), (r"\dfrac12", ".5"), (r"\tfrac{2}{4}", "1/2"), (r"-\frac{1}{3}",
    r"\frac{-1}{3}"),
    (r"3\frac{1}{2}", "7/2"), ("3 1/2", "3.5"), ("½", "0.5"), (r"\sqrt{8}", r"2\sqrt{2}"), (r"\sqrt 2",
    "2^{1/2}"),
    (r"\frac{\sqrt{3}}{3}", r"\frac{1}{\sqrt3}"), (r"\sqrt[3]{27}", "3"), ("2*sqrt(3)", r"2\sqrt{3}"),
    (r"\frac{\frac{1}{2}}{3}", "1/6"), ("−5", "-5"), ("１２", "12"), ("2^{-1}", "1/2"), ("(-8)^{1/3}", "-2"),
    # Letters
    ("x^2+2x+1", "(x+1)^2"), ("x²", "x*x"), (r"\frac{1}{x-1}-\frac{1}{x+1}", r"\frac{2}{x^2-1}"), ("2xy",
    "yx2"),
    ("|x|", r"\sqrt{x^2}"), (r"\sin^2 x+\cos^2 x", "1"), (r"\sin 2x", r"2\sin x\cos x"), ("x_1+x_2",
    "x_2 + x_{1}"),
    (r"\log_2 8", "3"), (r"\ln e^3", "3"), ("e^{i\\pi}", "-1"), ("5!", "120"), (r"\binom{5}{2}", "10"),
    (r"\lfloor 3.7 \rfloor", "3"), (r"\theta", "θ"), (r"\frac{5}{6}\pi", r"5\pi/6"), ("pi/4",
    r"\frac{\pi}{4}"),
    # Units, degrees, currency, percent, thousands, words
    (r"5\text{ cm}", "5"), ("12 square units", "12"), (r"18\text{ cm}^2", "18"), ("90^\\circ", "90 degrees"),
    ("30°", "30"), (r"\$1,234", "1234"), (r"1{,}234", "1234"), (r"10,\!000", "10000"), (r"50\%", "0.5"),
    ("50%", "50"), (r"\text{Evelyn}", "Evelyn"), (r"(\text{B})", "B"), ("60 miles per hour", "60"), ("5 元",
    "5"),
    # Tuples, intervals, sets, matrices
    (r"\left( 1, 2 \right)", "(1,2)"), ("[0,1)", r"[0, 1)"), (r"(5,\infty) \cup (-\infty, 3)",
    r"(-\infty,3)\cup(5,\infty)"),
    (r"\{3, 2, 1\}", r"\{1,2,3\}"), ("1, -2", "-2, 1"), (r"6 \text{ and } -2", "-2, 6"), (r"\{1\}", "1"),
    (r"\begin{pmatrix}1&2\\3&4\end{pmatrix}", r"\begin{bmatrix} 1 & 2 \\ 3 & 2^2 \end{bmatrix}"),
    (r"1\pm\sqrt{2}", r"1+\sqrt2, 1-\sqrt2"), (r"\emptyset", r"\{\}"), (r"\left\{\frac12, 2\right\}",
    r"\{2, 0.5\}"),
    # Relations
    ("x=5", "5"), ("y = 2x+1", "2x+1"), ("f(x)=x^2", "x^2"), ("2x+4y=6", "x+2y=3"), ("x<3", r"(-\infty,3)"),
    (r"1<x\le 2", "(1,2]"), (r"x \in [1,2]", "[1,2]"), (r"x \ge 3", "[3, infinity)"), ("1011_2", "1011_{2}"),
    (r"\boxed{\frac34}", "$0.75$"), (r"x=2 \text{ or } x=-3", "-3, 2"), ("a^2-b^2=c", "c=a^2-b^2"),
    ("x=5, y=3", "y=3, x=5"), ("x=5, y=3", "(5,3)"), (r"x=5 \text{ and } y=3", "5, 3"),
    # Repeating decimals, angles, inverse functions, mixed shares, all real numbers, large powers, counts
    (r"0.\overline{3}", "1/3"), (r"0.1\overline{6}", r"\frac16"), (r"-2.\bar{12}", "-70/33"),
    (r"\cos 60^\circ", "1/2"), ("sin(30°)", "0.5"), (r"\tan^{-1} 1", r"\frac{\pi}{4}"),
    (r"\sin^{-1} x", r"\arcsin x"),
    (r"6\frac{1}{4}\%", "6.25%"), ("6 1/4 %", "0.0625"), (r"x \in \mathbb{R}", r"(-\infty,\infty)"),
    ("ℝ", r"\mathbb R"),
    ("2^{5000}", "4^{2500}"), ("2007!", r"2007 \cdot 2006!"), (r"\frac{n(n+1)}{2}", r"\binom{n+1}{2}"),
    (r"\frac{(n+1)!}{n!}", "n+1"), (r"\pi r^2 h", r"h\pi r^2"), ("x**2", "x^2"), ("**5**", "5"), ("3h", "3"),
]  # fmt: skip
DIFFERENT = [
    ("1/3", "0.33"), ("1/3", "0.333333333"), (r"\sqrt{2}", "1.4142"), ("(1,2)", "(2,1)"), ("(1,2)", "[1,2]"),
    ("25", "5"), ("123457", "123456"), ("12345678901234567890", "12345678901234567891"), ("1011_2", "11"),
    (r"\sqrt{x^2}", "x"), ("x", "y"), ("x<3", "x>3"), (r"x \le 3", "x<3"), (r"\{1,2\}", r"\{1,2,2\}"),
    ("2", "-2"),
    ("", ""), ("Evelyn", "Carol"), ("1,234", "1, 234"), (r"\infty", r"-\infty"), (r"\frac{1}{2", "1/2"),
    ("x+y=5", "x+y=6"),
    (r"\begin{pmatrix}1&2\\3&4\end{pmatrix}", r"\begin{pmatrix}1&3\\2&4\end{pmatrix}"), (r"\pm 2", "2"),
    ("0", "0.0000001"), ("50%", "5"), ("__import__('os').system('true')", "0"), ("1/0", "2/0"), (r"\ln 2",
    r"\log 2"), ("x=5, y=3", "x=3, y=5"), ("x=5, y=3", "(3,5)"), (r"0.\overline{3}", "0.3333333333"),
    (r"\cos 60^\circ", r"\cos 60"), (r"\pi r^2 h", r"\pi r^2"), (r"\sin^{-1} x", r"\frac{1}{\sin x}"),
    ("2^{5000}", "2^{5001}"),
    (r"\binom{n}{2}", r"\binom{n}{3}"), (r"\mathbb{R}", r"(0,\infty)"),
]  # fmt: skip


@pytest.mark.parametrize(("left", "right"), EQUAL)
def test_answers_of_one_value_are_equal_both_ways_round(left: str, right: str) -> None:
    assert equivalent(left, right)
    assert equivalent(right, left)


@pytest.mark.parametrize(("left", "right"), DIFFERENT)
def test_answers_of_another_value_are_not(left: str, right: str) -> None:
    assert not equivalent(left, right)
    assert not equivalent(right, left)


LEAVES = st.one_of(
    st.integers(0, 12).map(lambda n: (str(n), sympy.Integer(n))),
    st.sampled_from(["x", "y"]).map(lambda name: (name, sympy.Symbol(name, real=True))),
)


def _joined(children):
    def build(op, a, b):
        (left, one), (right, other) = a, b
        if op == "/":
            return rf"\frac{{{left}}}{{{right}}}", one / other
        if op == "^":
            return f"({left})^{{{2}}}", one**2
        if op == "sqrt":
            return rf"\sqrt{{{left}}}", sympy.sqrt(one)
        return f"({left}){op if op != '*' else ''}({right})", {
            "+": one + other,
            "-": one - other,
            "*": one * other,
        }[op]

    return st.builds(build, st.sampled_from(["+", "-", "*", "/", "^", "sqrt"]), children, children)


EXPRESSIONS = st.recursive(LEAVES, _joined, max_leaves=5)


@given(EXPRESSIONS, EXPRESSIONS)
@settings(max_examples=150, deadline=None)
def test_what_is_called_equal_is_equal_to_sympy(one, other) -> None:
    for (left, a), (right, b) in (
        (one, other),
        (one, (str(sympy.expand(one[1])).replace("**", "^"), one[1])),
    ):
        if any(each.has(sympy.zoo, sympy.nan, sympy.oo, sympy.I) for each in (a, b)):
            continue
        # sympy evaluates to 30 digits at points of its own; it simplifies nothing.
        points = [
            {"x": sympy.Rational(17, 11), "y": sympy.Rational(29, 13)},
            {"x": -sympy.Rational(7, 3), "y": 5},
        ]
        gaps = [
            abs(sympy.N((a - b).subs({sympy.Symbol(name, real=True): at for name, at in point.items()}), 30))
            for point in points
        ]
        if all(gap.is_number and gap.is_finite for gap in gaps):
            assert equivalent(left, right) == all(gap < sympy.Float("1e-20") for gap in gaps), (left, right)


HOSTILE = [
    "9^9^9^9", "10^10^8", "2^{2^{2^{2^{2^{2^2}}}}}", "(" * 5000, "1" * 100_000, "9" + "!" * 90,
    "170!^170!", "x" * 390,
    "(x+1)^" * 50 + "2", r"\frac" * 80, "-" * 390 + "1", "{" * 390, r"\{" + "1," * 150 + "2", "|" * 300,
    r"\sqrt" * 70 + "2",
    "2^(4096)*" * 20 + "1", "(1+10^-9)^(10^9)", "1/" * 150 + "3", r"\begin{pmatrix}" * 20,
    "10^{-100000000}", r"\binom{10^9}{5}",
    r"\text{" * 500, "," * 5000, r"\boxed{" * 2000, "$" * 5000, "1 " * 5000, "9^{9^{9}}x", "0^{-1}",
    "(10^{99})^{99}^{99}",
]  # fmt: skip


@pytest.mark.parametrize("reply", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_answer_is_wrong_and_takes_no_time(reply: str) -> None:
    scorer, gold = scorers.get("math")(), Gold(("1",), TEXT)
    begun = time.perf_counter()
    for text in (reply, rf"\boxed{{{reply}}}", f"The answer is ${reply}$."):
        assert scorer.score(Answered(text, text), gold) == 0
    assert time.perf_counter() - begun < 0.5


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        (r"So $x=3$, and the answer is $\boxed{\frac{1}{2}}$.", r"\frac{1}{2}"),
        (r"\boxed{12}. Wait, no: \boxed{13}", "13"),
        (r"Thus \[\boxed{\left( -\infty, 3 \right]}\]", r"( -\infty, 3 ]"),
        (r"The answer is $3\sqrt{2}$.", r"3\sqrt{2}"),
        ("**Answer:** $\\frac{3}{4}$", r"\frac{3}{4}"),
        ("答案是 3/4。", "3/4"),
        ("We get x = 4", "4"),
        ("<think>\\boxed{1}</think> The result:\n$$x^2+1$$", "x^2+1"),
        ("The final answer is: (2, 3)", "(2, 3)"),
        ("7", "7"),
        (r"\boxed{3", None),
        ("", None),
        ("I cannot help with that.", None),
    ],
)
def test_the_answer_is_the_last_box_or_what_is_stated(reply: str, answer: str | None) -> None:
    assert extract(reply, TEXT, rule="robust/math").value == answer


def test_a_target_may_be_a_whole_solution() -> None:
    gold = Gold((r"We add: $1+1=2$, so the answer is $\boxed{\dfrac{4}{2}}$.",), TEXT)
    assert scorers.get("math")().score(Answered("The answer is 2.", "2"), gold) == 1
