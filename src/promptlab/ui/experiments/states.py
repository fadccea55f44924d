"""What a run's or job's state is called."""

from __future__ import annotations

from promptlab.ui.language import Texts

say = Texts(
    starting=("starting", "正在启动"),
    running=("running", "运行中"),
    paused=("paused", "已暂停"),
    cancelling=("finishing what is in flight", "正在完成已发出的请求"),
    complete=("complete", "已完成"),
    failed=("finished with errors", "已结束，但有错误"),
    interrupted=("interrupted: can go on", "已中断，可继续"),
    budget=("stopped by its budget", "因预算用尽而停止"),
    killed=("its process was killed: can go on", "进程被终止，可继续"),
    ended=("ended", "已结束"),
)


def state_words(state: str) -> str:
    """In the chosen language; another word as it is."""
    name = "budget" if state.startswith("stopped") else state
    return say(name) if name in say.texts else state
