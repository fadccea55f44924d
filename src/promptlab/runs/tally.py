"""From rehearsed trials to calls, tokens and money."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from promptlab.datasets import AnswerType
from promptlab.experiment import Cell, Plan
from promptlab.models import Model
from promptlab.models.pricing import in_usd, price_gap, price_of
from promptlab.models.tokens import Tokenizer, tokenizer_of
from promptlab.runs.finished import Usual
from promptlab.runs.rehearsal import Rehearsal, SentCall
from promptlab.runs.span import Span

# A reply that states an answer, by its type: until the cell has answered itself.
ANSWER_TOKENS = {
    AnswerType.TEXT: 60,
    AnswerType.NUMBER: 60,
    AnswerType.CHOICE: 20,
    AnswerType.LABEL: 10,
    AnswerType.YES_NO: 15,
    AnswerType.LIST: 60,
    AnswerType.CODE: 250,
}
# Every other call: reasoning, a plan, a critique.
REASONING_TOKENS = 200
# The longest reply that is reckoned with where `max_tokens` does not say. Reasoning models may exceed it.
LONGEST_REPLY_TOKENS = 2048
# Of a trial that went before with the same request.
_UNKNOWN_REPLY = Span(1, REASONING_TOKENS, LONGEST_REPLY_TOKENS)


class Tally:
    """Adds up the missing trials of one cell. `why_unknown` says why `usd` leaves something out."""

    def __init__(self, plan: Plan, cell: Cell, usual: Mapping[str, Usual]) -> None:
        self.calls = Span()
        self.tokens = Span()
        self.usd = Span()
        self.why_unknown = ""
        self.unbounded = False
        self._cell = cell
        self._usual = usual
        self._planned = cell.variant.technique.calls_in_all(cell.task)
        self._rates = plan.limits().rates
        # Of the trials alone: what a search's calls are taken to be like.
        self._trials = self._prompts = self._replies = Span()
        self._longest = 0.0
        self._tokenizers: dict[str, Tokenizer] = {}

    def _tokenizer(self, model: Model) -> Tokenizer:
        if model.name not in self._tokenizers:
            self._tokenizers[model.name] = tokenizer_of(model)
        return self._tokenizers[model.name]

    @property
    def approximate(self) -> bool:
        """Whether any token was counted by characters."""
        return any(each.approximate for each in self._tokenizers.values())

    def add(self, trial: Rehearsal) -> None:
        """One missing trial. One that sends nothing costs nothing, whatever its price."""
        if not trial.sent:
            return
        calls = self._calls(trial)
        per_call = calls.times(1 / len(trial.sent))
        replies = [self._reply(call) for call in trial.sent]
        prompts = [self._prompt(call, replies[:index]) for index, call in enumerate(trial.sent)]
        self._trials += calls
        self._prompts += Span.sum(prompts) * per_call
        self._replies += Span.sum(replies) * per_call
        self._longest = max(self._longest, *(each.expected for each in prompts))
        self._take(calls, Span.sum(prompts) * per_call, Span.sum(replies) * per_call)
        for model in {call.model.name: call.model for call in trial.sent}.values():
            own = [index for index, call in enumerate(trial.sent) if call.model.name == model.name]
            self._pay(
                model,
                per_call.times(len(own)),
                Span.sum(prompts[index] for index in own) * per_call,
                Span.sum(replies[index] for index in own) * per_call,
                longest=max(prompts[index].expected for index in own),
            )

    def search(self, calls: Span, model: Model, weight: float = 1.0) -> None:
        """An optimizer's calls to a model before the trials, each like one of theirs; `weight` is theirs."""
        if not self._trials.expected:
            return
        share, calls = calls.times(1 / self._trials.expected / weight), calls.times(1 / weight)
        prompt, reply = self._prompts * share, self._replies * share
        self._take(calls, prompt, reply)
        self._pay(model, calls, prompt, reply, longest=self._longest)

    def forget_trials(self) -> None:
        """Leaves only what searches take."""
        self.calls = self.tokens = self.usd = Span()

    def _take(self, calls: Span, prompt: Span, reply: Span) -> None:
        self.calls += calls
        self.tokens += prompt + reply

    def _calls(self, trial: Rehearsal) -> Span:
        """What was rehearsed; where the number may vary, or not all could be, as the technique plans."""
        sent, planned = len(trial.sent), self._planned
        if trial.whole and planned.low == planned.high:
            return Span.exactly(sent)
        # With placeholders some techniques break off early, some go on to their end: what they plan counts.
        low = min(sent, max(1, planned.low - trial.hits)) if planned.low < planned.high else sent
        high = max(sent, planned.high - trial.hits)
        return Span(low, min(high, max(low, planned.expected - trial.hits)), high)

    def _reply(self, call: SentCall) -> Span:
        usual = self._usual.get(call.name)
        if usual is not None and usual.reply is not None:
            typical = usual.reply
        else:
            answers = call.name == "answer"
            typical = ANSWER_TOKENS[self._cell.task.answer] if answers else REASONING_TOKENS
        self.unbounded = self.unbounded or not call.max_tokens
        high = call.max_tokens or max(LONGEST_REPLY_TOKENS, typical)
        return Span(1, max(1, min(typical, high)), high)

    def _prompt(self, call: SentCall, earlier: Sequence[Span]) -> Span:
        """Its own tokens, and those of the replies it repeats: as long as the trial's earlier ones."""
        tokenizer = self._tokenizer(call.model)
        own = tokenizer.count_messages(call.messages)
        down, up = tokenizer.error
        usual_reply = Span.sum(earlier).times(1 / len(earlier)) if earlier else _UNKNOWN_REPLY
        repeated = usual_reply.times(call.replies)
        expected = own + repeated.expected
        usual = self._usual.get(call.name)
        if usual is not None and usual.prompt is not None:
            expected = usual.prompt
        return Span.around(own * down + repeated.low, expected, own * up + repeated.high)

    def _pay(self, model: Model, calls: Span, prompt: Span, reply: Span, *, longest: float) -> None:
        price, name = price_of(model), model.name
        if gap := price_gap(price, self._rates):
            self.why_unknown = f"the price of {name} {gap}"
            return
        assert price is not None and price.input is not None and price.output is not None  # noqa: PT018
        if price.up_to_prompt_tokens is not None and longest > price.up_to_prompt_tokens:
            self.why_unknown = f"the price of {name} beyond {price.up_to_prompt_tokens:,} tokens is unknown"
            return
        cost = prompt.times(price.input) + reply.times(price.output) + calls.times(price.request)
        self.usd += cost.times(in_usd(1.0, price.currency, self._rates) or 0.0)
