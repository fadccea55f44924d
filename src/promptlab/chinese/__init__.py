"""The core's own sentences in Chinese: notes, errors and remedies, as they come or as they were stored."""

from promptlab.chinese.sentences import in_chinese, is_known

__all__ = ["in_chinese", "is_known"]
