"""A text of the core in Chinese: by sentences, places, values and lists; what is unknown stays."""

from __future__ import annotations

import pytest

from promptlab.analysis.exposure import Tried
from promptlab.basics.errors import CallErrorKind, ExperimentError, UsageError
from promptlab.basics.registry import did_you_mean
from promptlab.chinese import in_chinese
from promptlab.models.endpoints import Endpoint
from promptlab.models.request import Model
from promptlab.models.transports.error_bodies import ErrorBody, ErrorReply
from promptlab.models.transports.faults import fault


def test_an_error_of_a_file_keeps_its_place_its_value_and_its_remedy() -> None:
    error = ExperimentError(
        "must be one of 'text', 'number'",
        file="exp.yaml",
        line=12,
        field="task.answer",
        value="nmber",
        remedy=did_you_mean("nmber", ["text", "number"]),
    )
    assert in_chinese(str(error)) == (
        "exp.yaml:12：task.answer：必须是以下之一：'text'、'number'（实际为 'nmber'）。是否想写 'number'？"
    )


def test_a_refused_key_is_told_with_what_the_provider_said_as_it_said_it() -> None:
    model = Model("openai_like/x", "relay", "openai_chat", "http://127.0.0.1:9/v1", key_env="RELAY_KEY")
    error = fault(model, ErrorReply(401, ErrorBody("No such key here.", ("invalid_api_key",)), {}))
    assert error.kind is CallErrorKind.AUTH
    assert in_chinese(str(error)) == (
        "relay 在 http://127.0.0.1:9/v1 返回 HTTP 401（invalid_api_key）：No such key here。"
        "请在环境变量、.env 或系统密钥环中设置 RELAY_KEY。"
    )


def test_a_field_swallows_no_sentence_that_is_known_by_itself() -> None:
    assert in_chinese("a.yaml cannot be read: it is not UTF-8. Save it as UTF-8.") == (
        "无法读取 a.yaml：不是 UTF-8 编码。请另存为 UTF-8。"
    )


def test_lists_are_told_part_by_part() -> None:
    price = "the price of a is unknown; the price of b is in CNY, which has no rate"
    assert in_chinese(f"{price}: what this run costs cannot be said") == (
        "a 的价格未知；b 的价格以 CNY 计，没有汇率：无法估计此次运行的费用"
    )


def test_names_with_marks_and_spaces_come_through() -> None:
    error = ExperimentError("there is no such file", field="path", value="my data. v2.csv", remedy="")
    assert in_chinese(str(error)) == "path：没有这个文件（实际为 'my data. v2.csv'）。"
    error = ExperimentError("two data sets are named 'a; b, c and d: e'", remedy="Give each its own `name:`.")
    assert in_chinese(str(error)) == "有两个数据集都名为 'a; b, c and d: e'。请给它们各自的 `name:`。"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "n = 3",
        "The reply is here. Nothing of it is known. ",
        "已保存。",
        "用户 zero_shot 的说明",
        "a: b: c: d",
    ],
)
def test_what_is_not_known_stays_as_it_is(text: str) -> None:
    assert in_chinese(text) == text


def test_a_known_remedy_is_told_after_words_that_are_not_known() -> None:
    assert in_chinese("Bad wind today. Name another file.") == "Bad wind today. 请换一个文件。"


def test_lines_are_told_one_by_one() -> None:
    told = in_chinese("promptlab: 3 × the stream broke off\npromptlab: run x\n")
    assert told == "promptlab：3 次：流式应答中断\npromptlab: run x\n"


@pytest.mark.parametrize("variants", [1, 1_200])
@pytest.mark.parametrize("runs", [1, 12])
@pytest.mark.parametrize("unreadable", [0, 2])
@pytest.mark.parametrize("looks", [(0, 0), (1, 1), (3, 14)])
@pytest.mark.parametrize("named", [False, True])
def test_every_form_of_the_exposure_is_known(
    variants: int, runs: int, unreadable: int, looks: tuple[int, int], named: bool
) -> None:
    told = in_chinese(Tried("plurals", variants, runs, unreadable, *looks).sentence(named=named))
    assert f"{variants:,} 个变体" in told
    assert "tried" not in told
    assert "look" not in told
    assert told.endswith("。")


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        (
            "m on d: over 3 formats exact_match ranges from 0.51 (a) to 0.72 (b)",
            "m on d：在 3 个提示词格式上，exact_match 介于 0.51 (a) 与 0.72 (b) 之间",
        ),
        (
            "3 train rows ask what a test or dev row asks, left out of optimization",
            "3 行 train 数据与测试集或 dev 的问题相同，优化时已排除",
        ),
        (
            "opro: its prompt took 40 of 200 calls to find (cost unknown, not in the table); dev score 0.50 "
            "to 0.75, selected, so optimistic; ended by provider failed: it said no. Its samples cost no "
            "less than those of zero_shot: by cost the search never pays.",
            "opro：寻找其提示词用去 40 次调用（上限 200 次；费用未知，未计入表中）；dev 得分由 0.50 升至 "
            "0.75，因经过选择而偏乐观；结束原因：服务商出错：it said no。其每个样本的费用不低于 zero_shot："
            "仅从费用看，搜索无法回本。",
        ),
        (
            "Against random, the baseline of all searches: opro beats it (+0.10 [+0.02, +0.18]); no verdict "
            "on ape.",
            "以 random 为各搜索的基线：opro 显著更优（+0.10 [+0.02, +0.18]）；ape 暂无结论。",
        ),
        (
            "not met: b at least 0.5 (3 of 40 trials have no result: not judged)",
            "未通过：b 不低于 0.5（40 次试验中有 3 次没有结果：不作判定）",
        ),
    ],
)
def test_what_is_made_of_parts_is_known_as_a_whole(english: str, chinese: str) -> None:
    assert in_chinese(english) == chinese


def test_a_long_text_of_a_provider_costs_no_time() -> None:
    text = "HTTP 500: " + "some words: of it. " * 150
    assert "HTTP 500" in in_chinese(text)


def test_an_error_object_is_told_as_its_text() -> None:
    with pytest.raises(UsageError) as caught:
        Endpoint("", "https://host/v1")
    assert in_chinese(str(caught.value)) == "接口名称须为 1 至 80 个字符。"
