"""A technique of one's own: ask twice in other words, and answer only where both agree."""

from promptlab.basics.errors import Unparsed
from promptlab.techniques import Answer, Technique


class Twice(Technique):
    """Two calls: the task's prompt, and the prompt again with `again`. Records both answers."""

    again: str = "Think of it in another way, and answer anew."

    async def solve(self, question, ctx):
        first = Answer(await ctx.ask(ctx.prompt(question), name="first"))
        second = Answer(await ctx.ask(ctx.prompt(question, cue=self.again), name="second"))
        values = [ctx.read(answer).value for answer in (first, second)]
        ctx.note(answers=values)
        if values[0] is None or values[0] != values[1]:
            raise Unparsed("the two answers differ")
        return second
