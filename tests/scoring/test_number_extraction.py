"""Numbers are read the way models write them; the value is spelled in one way."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptlab.datasets.task import AnswerType
from promptlab.scoring import AnswerForm, extract, spell
from promptlab.scoring.extraction.numerals import same_number

FORM = AnswerForm(AnswerType.NUMBER)

STATED = [
    # bare, with currency, units, Markdown, LaTeX
    ("18", "18"),
    ("$18.", "18"),
    ("18 dollars", "18"),
    ("5kg", "5"),
    ("18元", "18"),
    ("(5)", "5"),
    ("~18", "18"),
    ("≈ 3.14", "3.14"),
    ("USD 18", "18"),
    ("Rs.500", "500"),
    ("**18**", "18"),
    ("$18$", "18"),
    (r"\(18\)", "18"),
    ("```\n18\n```", "18"),
    # answer phrases
    ("The answer is 18.", "18"),
    ("The answer is $1,234.50.", "1234.5"),
    ("The answer is **$1,234**", "1234"),
    ("**Answer:** 18", "18"),
    ("**Final Answer**: **18 dollars**", "18"),
    ("## Answer\n18", "18"),
    ("Ans: 42", "42"),
    ("Answer = 5", "5"),
    ("The answer to the question is 5", "5"),
    ("The answer would be 5", "5"),
    ("The final answer is:\n\n$$x = 18$$", "18"),
    ("he sold 48 in April. Answer: `72`", "72"),
    ("Step 2 gave 31.\n#### 72", "72"),
    # the end of a calculation, not its first number
    ("The answer is 3 + 4 = 7.", "7"),
    ("The answer is 18 because 9*2=18, and 4=4", "18"),
    ("答：每天吃3颗后，她每天赚18美元。", "18"),
    # several answers, corrections
    ("The answer is 5. Checking again. The answer is 7.", "7"),
    ("The answer is 8. Wait, it is 7.", "7"),
    ("The answer is 5. Actually the answer is 7", "7"),
    ("答案是8。不对，应该是7。", "7"),
    ("The answer is not 5 but 7", "7"),
    ("Answer: 18\n\nReply format is 'Answer: <number>'", "18"),
    # boxes
    (r"So \boxed{\frac{1}{2}}", "0.5"),
    (r"\boxed{-\dfrac12}", "-0.5"),
    (r"\boxed{\text{18}}", "18"),
    (r"\boxed{{1{,}234}}", "1234"),
    (r"\boxed{12\text{ cm}}", "12"),
    (r"\boxed 7", "7"),
    (r"\boxed{8} is what I had first, but \boxed{9}", "9"),
    ("<think>Is it 5? No, 6.</think>\n\n7", "7"),
    ("It is 3 or 4, so <answer>4</answer> of 9", "4"),
    # signs
    ("-3", "-3"),
    ("−5", "-5"),
    ("The answer is -$5", "-5"),
    ("the answer is $-5", "-5"),
    ("Answer: negative 5", "-5"),
    ("负五", "-5"),
    # fractions and percent
    ("1/2", "0.5"),
    ("2 1/2 cups", "2.5"),
    ("2½", "2.5"),
    (r"$\frac{3}{4}$", "0.75"),
    ("50%", "50%"),
    ("75 percent", "75%"),
    ("百分之五十", "50%"),
    ("百分之50", "50%"),
    ("三分之二", "0.666666666666667"),
    # separators, magnitudes, powers
    ("1,234,567", "1234567"),
    ("1,00,000", "100000"),
    ("1\u202f234", "1234"),
    ("2 million", "2000000"),
    ("1.5e3", "1500"),
    ("1.5 × 10^6", "1500000"),
    (r"$1.5 \times 10^{6}$", "1500000"),
    ("10^6", "1000000"),
    # full width and Chinese
    ("１２３", "123"),
    ("１，２３４", "1234"),
    ("答案是三百二十一。", "321"),
    ("答案为：5", "5"),
    ("答案：12万元", "120000"),
    ("正确答案应该是 5", "5"),
    ("最终答案：\n18", "18"),
    ("两万", "20000"),
    ("两万五", "25000"),
    ("12万", "120000"),
    ("1万2千", "12000"),
    ("1亿2000万", "120000000"),
    ("3.5亿", "350000000"),
    ("3千克", "3"),
    ("一百五", "150"),
    ("一百零五", "105"),
    ("十五", "15"),
    ("二〇二四", "2024"),
    ("三点一四", "3.14"),
    # English words
    ("eighteen", "18"),
    ("The answer is twenty-one.", "21"),
    ("three hundred and five", "305"),
    # spelling
    ("0.50", "0.5"),
    ("007", "7"),
    (".5", "0.5"),
    ("-0", "0"),
    ("18.00", "18"),
]

FALLEN_BACK = [
    ("He has 3 + 4 = 7 eggs. So he has 7 eggs", "7"),
    ("Step 1: add 2\nStep 2: add 3\nShe has 25", "25"),
    ("所以总共是 18 个。", "18"),
    ("一共有三百二十一个苹果", "321"),
    ("她每天赚十八美元", "18"),
    ("A total of 5-7", "7"),
    ("5 − 3 = 2", "2"),
    ("Wait, it is 5 per day. 5*3 = 15. So he has 15.", "15"),
    ("#### Step 1\nAdd 2 and 3.\n#### Step 2\nThat is 5 apples", "5"),
]

NOT_FOUND = ["I don't know", "...", "x2 and y3", "The answer is 5 or 6", "他们一起去第一中学", "1/0"]


@pytest.mark.parametrize(("reply", "value"), STATED)
def test_stated_number_is_read(reply: str, value: str) -> None:
    found = extract(reply, FORM)
    assert (found.value, found.failure, found.stated) == (value, None, True)


@pytest.mark.parametrize(("reply", "value"), FALLEN_BACK)
def test_else_the_last_number_is_read_and_said_to_be_a_fallback(reply: str, value: str) -> None:
    found = extract(reply, FORM)
    assert (found.value, found.failure, found.stated) == (value, None, False)


@pytest.mark.parametrize("reply", NOT_FOUND)
def test_reply_without_one_number_is_unparsed(reply: str) -> None:
    assert extract(reply, FORM).failure == "unparsed"


@pytest.mark.parametrize(
    ("reply", "value"),
    [
        ("3,5", "3.5"),
        ("Die Antwort: 1.234,56 €", "1234.56"),
        ("1.234.567", "1234567"),
        ("Answer: -0,25", "-0.25"),
    ],
)
def test_decimal_comma_is_read_by_its_own_rule(reply: str, value: str) -> None:
    assert extract(reply, FORM, rule="robust/decimal_comma").value == value


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("25", "5"),
        ("123457", "123456"),
        ("0.5", "50"),
        ("50%", "0.5%"),
        ("10000000000000000000000000001", "1e28"),
    ],
)
def test_different_numbers_are_not_the_same(left: str, right: str) -> None:
    assert not same_number(left, right)
    assert not same_number(right, left)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("50%", "50"),
        ("50%", "0.5"),
        ("0.333333333333333", "0.3333333"),
        ("18.0000000001", "18"),
        ("-3", "-3"),
    ],
)
def test_same_numbers_in_other_spellings_are_the_same(left: str, right: str) -> None:
    assert same_number(left, right)
    assert same_number(right, left)


INTEGERS = st.integers(min_value=-(10**18), max_value=10**18)
FRAMES = st.sampled_from(
    [
        "{}",
        "The answer is {}.",
        "**{}**",
        "Answer: ${}",
        "答案是{}。",
        "So 3 and 4 make\n#### {}",
        r"$\boxed{{{}}}$",
        "First I had 12. The answer is {} apples, out of 99.",
        "{} dollars",
    ]
)


@given(INTEGERS, FRAMES, st.booleans())
def test_planted_integer_is_found_in_every_frame(number: int, frame: str, grouped: bool) -> None:
    written = f"{number:,}" if grouped else str(number)
    assert extract(frame.format(written), FORM).value == str(number)


@given(st.decimals(min_value=-(10**9), max_value=10**9, allow_nan=False, places=4), FRAMES)
def test_planted_decimal_is_found_and_spelled_alike(number: object, frame: str) -> None:
    found = extract(frame.format(f"{number:f}"), FORM).value
    assert found == spell(f"{number:f}", FORM)
    assert same_number(found, f"{number:f}")


@given(st.integers(min_value=0, max_value=10**9 - 1))
def test_full_width_digits_are_digits(number: int) -> None:
    wide = str(number).translate({ord("0") + digit: ord("０") + digit for digit in range(10)})
    assert extract(wide, FORM).value == str(number)


def chinese(number: int) -> str:
    """The textbook spelling, written apart from the reader under test."""
    if number == 0:
        return "零"

    def section(part: int) -> str:
        spelled, zero = "", False
        for unit, sign in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
            digit = part // unit % 10
            if digit:
                spelled += ("零" if zero else "") + "零一二三四五六七八九"[digit] + sign
                zero = False
            elif spelled:
                zero = True
        return spelled

    text = ""
    for unit, sign in ((10**8, "亿"), (10**4, "万"), (1, "")):
        part = number // unit % 10**4
        if part:
            text += ("零" if text and part < 1000 else "") + section(part) + sign
    return text


@given(st.integers(min_value=0, max_value=10**12 - 1))
def test_chinese_numerals_round_trip(number: int) -> None:
    assert extract(f"答案是{chinese(number)}。", FORM).value == str(number)


@given(st.fractions(max_denominator=999, min_value=-999, max_value=999))
def test_fractions_equal_their_quotient(fraction: object) -> None:
    upper, lower = fraction.as_integer_ratio()  # type: ignore[attr-defined]
    found = extract(f"The answer is {upper}/{lower}", FORM).value
    assert same_number(
        found, repr(upper / lower) if "e" not in repr(upper / lower) else f"{upper / lower:.20f}"
    )
