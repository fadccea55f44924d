"""Replies that decline to answer, in English and Chinese."""

from __future__ import annotations

import re

REFUSAL_CAP_CHARS = 800  # a longer reply does more than decline
_START_CHARS = 160

_ENGLISH = re.compile(
    r"\bi (?:can['’]?t|can ?not|won['’]t|will not)(?: \w+ly)? "
    r"(?:help|assist|answer|provide|comply|fulfil|do|give|generate|create|discuss|engage|support|write|respond|"
    r"offer|share|produce|complete|continue|participate|perform|classify|determine|process|translate|make|tell|"
    r"say|recommend|advise|access|browse)"
    r"|\bi(?:['’]m| am) (?:unable|not able|not going|not allowed|not permitted|not comfortable)\b"
    r"|\bi (?:(?:must|have to) (?:decline|refuse)|decline|refuse)\b"
    r"|\bas an? (?:ai|artificial|large language)\b"
    r"|^\W{0,3}(?:(?:i['’]?m|i am) )?(?:(?:very|so|truly) )?(?:sorry|i apologi[sz]e)"
    r"[^.\n]{0,40}? but (?:i|we|this|that)\b"
)
_CHINESE = re.compile(
    r"我(?:无法|不能|没法|没有办法|拒绝)(?:为|向|对|就|帮|协助|提供|回答|满足|处理|完成|生成|给出|继续|讨论|参与|判断|确定|"
    r"执行|支持|透露|评论|翻译|写)"
    r"|(?:作为|身为)(?:一个|一名|一款)?(?:人工智能|AI|语言模型|大模型|大语言模型)"
    r"|^\W{0,3}(?:我)?(?:很|非常|十分)?(?:抱歉|对不起|不好意思)[^。\n]{0,30}?(?:无法|不能|没法|不便|拒绝)"
)


def is_refusal(text: str) -> bool:
    """Whether a short reply declines to answer near its start."""
    if len(text) > REFUSAL_CAP_CHARS:
        return False
    start = text.lstrip()[:_START_CHARS]
    return bool(_ENGLISH.search(start.lower()) or _CHINESE.search(start))
