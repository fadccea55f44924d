"""What people call their columns, in English and Chinese, the likeliest first."""

from __future__ import annotations

_TARGETS = """
target answer label output gold gold_label answerkey class sentiment category correct expected completion
response y result summary translation 答案 标签 目标 输出 类别 分类 情感 结果 参考答案 正确答案
"""
_LABELS = "label gold_label class category sentiment rating stars 标签 类别 分类 情感 评分"
_INPUTS = """
question input text sentence prompt query premise hypothesis context passage article body review content
problem instruction title sentence1 sentence2 document source goal stem
问题 文本 输入 题目 句子 内容 评论 正文 上下文 标题 原文 题干 前提 假设
"""
_RATIONALES = """
rationale explanation reasoning cot chain_of_thought equation solution steps 解析 理由 推理 解题过程 解答
"""
_CHOICES = "choices options candidates endings 选项 候选"
_IDS = "id idx index key qid uid guid uuid question_id sample_id example_id row_id 编号 序号"

TARGETS = tuple(_TARGETS.split())
LABELS = frozenset(_LABELS.split())
INPUTS = frozenset(_INPUTS.split())
RATIONALES = tuple(_RATIONALES.split())
CHOICES = tuple(_CHOICES.split())
IDS = tuple(_IDS.split())
# What stands before the letter or number in the names of columns that hold one choice each.
OPTION_STEMS = frozenset({"", "option", "choice", "opt", "ending", "answer", "sol", "选项"})
YES_NO = ({"yes", "no"}, {"true", "false"}, {"是", "否"}, {"对", "错"})
