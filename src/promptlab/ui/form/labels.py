"""What a key of the experiment file is called on a form, and a value in one line."""

from __future__ import annotations

import json
from typing import Any

from promptlab.experiment.form import FormField
from promptlab.ui.language import Texts
from promptlab.ui.shown import escaped

MOST_SUMMARY_CHARS = 90

# What a field is called beside its key in the file; others show the key alone.
labels = Texts(
    against=("Opponent", "对照变体"),
    allow_unsafe_code=("Run models' programs unconfined", "不加隔离地运行模型写的程序"),
    answer=("Kind of answer", "答案类型"),
    answer_instruction=("Answer instruction", "作答要求"),
    api_base=("Base address", "接口地址"),
    api_key_env=("Variable that holds the key", "存放密钥的变量名"),
    attempts=("Attempts", "尝试次数"),
    average=("Average", "平均方式"),
    baseline=("Baseline", "基线"),
    breakdown=("Break down by", "分组统计字段"),
    budget_calls=("Budget (calls)", "预算（调用次数）"),
    budget_tokens=("Budget (tokens)", "预算（token）"),
    budget_usd=("Budget (USD)", "预算（美元）"),
    by=("Search by", "检索方式"),
    cache=("Cache", "缓存"),
    cached_input=("Price of cached input", "缓存输入价格"),
    choices=("Choices (column)", "选项（列）"),
    column=("Split by column", "按列划分"),
    columns=("Names of the columns", "列名"),
    concurrency=("Requests at once", "并发请求数"),
    confirm_usd=("Ask above (USD)", "超过此金额需确认（美元）"),
    content=("Text", "内容"),
    context=("Context", "上下文"),
    corpus_file=("Passages (file)", "语料文件"),
    count=("How many", "数量"),
    criteria=("Criteria", "评分标准"),
    currency=("Currency", "货币"),
    dataset=("Data set", "数据集"),
    date=("Date", "日期"),
    delimiter=("Delimiter", "分隔符"),
    demo_file=("Demos from a file", "示例文件"),
    demos=("Demos", "示例"),
    depth=("Depth", "深度"),
    description=("Description", "说明"),
    dev=("dev", "dev"),
    dev_rows=("Rows of dev", "dev 样本数"),
    diversity=("Diversity", "多样性"),
    draw_temperature=("Temperature of the draws", "采样温度"),
    embedding=("Embedding model", "嵌入模型"),
    encoding=("Encoding", "文本编码"),
    extra_body=("More for the provider", "附加请求参数"),
    extract=("How the answer is read", "答案提取方式"),
    facts_file=("Facts (file)", "事实文件"),
    fold=("Fold", "第几折"),
    folds=("Folds", "折数"),
    format=("Format of the prompt", "提示词格式"),
    frequency_penalty=("Frequency penalty", "频率惩罚"),
    gates=("Gates", "达标条件"),
    generate=("Generated data", "生成的数据"),
    group=("Group (column)", "分组（列）"),
    header=("First row has the names", "首行为列名"),
    headers=("Headers", "请求头"),
    human_labels=("People's labels (file)", "人工标注文件"),
    id=("Id", "标识"),
    ids=("Ids", "指定 id"),
    inner=("Inner technique", "内层技术"),
    input=("Price of input", "输入价格"),
    kind=("Kind", "类型"),
    labels=("Labels", "标签"),
    limit=("Only the first rows", "仅取前若干行"),
    limits=("Limits", "限额"),
    logprobs=("Log-probabilities", "对数概率"),
    margin=("Margin", "容许差"),
    match_tokens=("Votes at equal token cost", "按等量 token 补充投票变体"),
    max_age=("Oldest cached answer", "缓存最长期限"),
    max_cost_usd=("Cost at most (USD)", "费用上限（美元）"),
    max_latency_s=("95 % take at most (s)", "95 % 试次的耗时上限（秒）"),
    max_tokens=("Longest reply (tokens)", "最长回复（token）"),
    members=("Members", "成员"),
    messages=("Messages", "消息"),
    metadata=("Further columns", "附加列"),
    metric=("Metric of the search", "搜索指标"),
    min=("Mean at least", "均值下限"),
    min_effect=("Smallest effect of interest", "最小关注效应"),
    mode=("Wording", "措辞来源"),
    model=("Model", "模型"),
    models=("Models", "模型"),
    name=("Name", "名称"),
    no_worse_than=("No worse than (run or file)", "不差于（运行或文件）"),
    on=("Graded text", "评分对象"),
    order=("Order", "顺序"),
    output=("Price of output", "输出价格"),
    path=("Data file", "数据文件"),
    patience=("Patience (rounds)", "耐心轮数"),
    people=("People", "人数"),
    per=("Per", "计价单位"),
    post=("After the reply", "回复后处理"),
    presence_penalty=("Presence penalty", "存在惩罚"),
    price=("Price", "价格"),
    primary=("Headline scorer", "主要评分器"),
    prompt=("Prompt", "提示词"),
    prompt_file=("Prompt (file)", "提示词文件"),
    prompt_model=("Model that writes prompts", "撰写提示词的模型"),
    prompt_sections=("Sections of the prompt", "提示词各部分"),
    question=("Question", "问题"),
    rates=("Exchange rates", "汇率"),
    rationale=("Rationale (column)", "推理过程（列）"),
    reason_max_tokens=("Longest reasoning (tokens)", "最长推理（token）"),
    reasoning=("Price of reasoning", "推理价格"),
    reasoning_effort=("Reasoning effort", "推理强度"),
    records=("Key or sheet of the rows", "数据行所在的键或工作表"),
    render=("Shown as", "呈现方式"),
    repeats=("Repeats", "重复次数"),
    retry_429_s=("Wait on rate limits (s)", "限流等待（秒）"),
    role=("Role", "角色"),
    rounds=("Rounds", "轮数"),
    rpm=("Requests a minute", "每分钟请求数"),
    rule=("Extraction rule", "提取规则"),
    sample=("A drawn sample of rows", "随机抽取若干行"),
    samples=("Samples (draws)", "采样次数"),
    scale=("Scale", "分值范围"),
    scorer=("Scorer", "评分器"),
    search_seed=("Seed of the search", "搜索随机种子"),
    seed=("Seed", "随机种子"),
    select=("Selection", "选取方式"),
    set=("Shipped demo set", "内置示例集"),
    shots=("Shots", "示例条数"),
    size=("Size", "规模"),
    source=("Source", "来源"),
    split=("Splits", "划分"),
    steps=("Steps", "步骤"),
    stop=("Stop texts", "停止词"),
    style=("Style", "样式"),
    system=("System prompt", "系统提示词"),
    target=("Right answer (column)", "标准答案（列）"),
    technique=("Technique", "技术"),
    temperature=("Temperature", "温度"),
    test=("test", "test"),
    timeout_s=("Timeout (s)", "超时（秒）"),
    tools=("Tools", "工具"),
    top_logprobs=("Alternatives per token", "每个 token 的候选数"),
    top_p=("top_p", "top_p"),
    tpm=("Tokens a minute", "每分钟 token 数"),
    train=("train", "train"),
    transport=("Transport", "传输方式"),
    trigger=("Trigger phrase", "触发语"),
    usd=("One unit in USD", "一单位合美元"),
    variant=("Variant", "变体"),
    vary=("Repeats draw anew", "重复时重新抽取"),
    verdicts=("Verdicts", "判定及分值"),
    width=("Width", "宽度"),
    words=("Words", "词数"),
    **{"as": ("Name of its column", "结果列名")},
)


def label(field: FormField) -> str:
    """Its name in words and its key, for where Streamlit reads Markdown."""
    if field.key not in labels.texts:
        return escaped(field.key)
    if labels(field.key).lower().replace(" ", "_") == field.key:
        return labels(field.key)
    return f"{labels(field.key)} · {escaped(field.key)}"


def in_short(value: Any, most: int = MOST_SUMMARY_CHARS) -> str:
    """A value in one line, for people: `count 4, select random`."""
    text = " ".join(_told(value, 0).split())
    return text if len(text) <= most else text[: most - 1] + "…"


def _told(value: Any, depth: int) -> str:
    """`depth` 0: the whole; what is inside of it stands in brackets."""
    if isinstance(value, dict):
        told = ", ".join(
            f"{key} {_told(each, depth + 1)}" if each not in (None, "") else str(key)
            for key, each in value.items()
        )
        return f"({told})" if depth else told
    if isinstance(value, list):
        if not depth:
            return "; ".join(_told(each, 0) for each in value)
        return f"[{', '.join(_told(each, depth) for each in value)}]"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
