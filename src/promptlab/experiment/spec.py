"""The experiment file, typed. What stands here is what the YAML may say; everything else is an error."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from promptlab.datasets import DatasetSpec
from promptlab.experiment.gates import GateSpec

NAME_LIMIT = 100


class _Strict(BaseModel):
    """Unknown keys and values of another type are errors: a typo never becomes a default."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Sampling(_Strict):
    """Sampling parameters; what is left out is not sent."""

    temperature: Annotated[float, Field(ge=0, le=5)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    stop: str | list[str] | None = None
    seed: int | None = None
    presence_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    frequency_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high"] | None = None

    def given(self) -> dict[str, Any]:
        """Only what was given: absent is not zero."""
        return {name: value for name in Sampling.model_fields if (value := getattr(self, name)) is not None}


class PriceSpec(_Strict):
    """A price as a relay lists it: `input` and `output` in `currency` for `per` tokens.

    `request` is paid for each call. `up_to_prompt_tokens`: what longer prompts cost is not known.
    """

    input: Annotated[float, Field(ge=0)]
    output: Annotated[float, Field(ge=0)]
    cached_input: Annotated[float, Field(ge=0)] | None = None
    reasoning: Annotated[float, Field(ge=0)] | None = None
    request: Annotated[float, Field(ge=0)] = 0.0
    currency: str = "USD"
    per: Literal[1, 1000, 1000000] = 1000000
    up_to_prompt_tokens: Annotated[int, Field(ge=1)] | None = None
    source: str = ""
    date: str = ""


class ModelSpec(Sampling):
    """A model: litellm's id, and what differs from its provider's defaults. `name` is what rows show."""

    id: str
    name: str | None = None
    api_base: str | None = None
    api_key_env: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] | None = None
    transport: str | None = None
    headers: dict[str, str] = {}
    extra_body: dict[str, Any] = {}
    price: PriceSpec | None = None
    context: Annotated[int, Field(ge=256)] | None = None


class MessageSpec(_Strict):
    """One message of a task: a role and a template."""

    role: Literal["system", "user", "assistant"]
    content: str


class _Prompting(_Strict):
    """What a task, or a variant in its place, says to the model."""

    system: str | None = None
    prompt: str | None = None
    prompt_file: str | None = None
    messages: list[MessageSpec] | None = None


class TaskSpec(_Prompting):
    """What is asked: one of `prompt`, `prompt_file` and `messages`, and the answer type."""

    answer: Literal["text", "number", "choice", "label", "yes_no", "list", "code"] = "text"
    answer_instruction: str = ""
    labels: list[str] | None = None


class VariantSpec(Sampling, _Prompting):
    """A row of the comparison: a technique, its settings, and what it says in place of the task."""

    technique: str
    name: str | None = None
    answer_instruction: str | None = None
    settings: dict[str, Any] = {}


class ScorerSpec(_Strict):
    """A scorer by name, its settings, and `as`: the name of its column."""

    scorer: str
    as_: str | None = Field(default=None, alias="as")
    settings: dict[str, Any] = {}


class RateSpec(_Strict):
    """What one unit of a currency costs in USD, on which day, by whom."""

    usd: Annotated[float, Field(gt=0)]
    date: str = ""
    source: str = ""


class LimitsSpec(_Strict):
    """Ceilings. Reaching a budget stops the run; it can be resumed with a higher one."""

    concurrency: Annotated[int, Field(ge=1, le=4096)] = 64
    rpm: Annotated[float, Field(gt=0)] | None = None
    tpm: Annotated[float, Field(gt=0)] | None = None
    timeout_s: Annotated[float, Field(gt=0)] = 60.0
    retry_429_s: Annotated[float, Field(ge=0)] = 900.0
    budget_usd: Annotated[float, Field(ge=0)] | None = None
    budget_tokens: Annotated[int, Field(ge=0)] | None = None
    budget_calls: Annotated[int, Field(ge=0)] | None = None
    confirm_usd: Annotated[float, Field(ge=0)] = 1.0
    rates: dict[str, RateSpec] = {}


class CacheSpec(_Strict):
    """`max_age: 7d`: older answers are asked for again."""

    max_age: Annotated[str, Field(pattern=r"^\d+[smhdw]$")] | None = None


class ExperimentSpec(_Strict):
    """One experiment: variants × models × data sets, and how the answers are scored and compared.

    `embedding` is the model whose vectors techniques search with. `human_labels` names a file of people's
    labels, against which judges are checked. `allow_unsafe_code`: programs that models wrote are run even
    where the machine cannot confine them. `vary` says what each of the `repeats` draws anew: completions, the
    demo set, the order of the demos.
    """

    name: Annotated[str, Field(min_length=1, max_length=NAME_LIMIT)]
    description: str = ""
    datasets: Annotated[list[DatasetSpec], Field(min_length=1)]
    task: TaskSpec
    embedding: ModelSpec | None = None
    models: Annotated[list[ModelSpec], Field(min_length=1)]
    variants: Annotated[list[VariantSpec], Field(min_length=1)]
    scorers: list[ScorerSpec] | None = None
    human_labels: str | None = None
    primary: str | None = None
    baseline: str | None = None
    repeats: Annotated[int, Field(ge=1, le=1000)] = 1
    vary: Annotated[list[Literal["completion", "demos", "order"]], Field(min_length=1)] = ["completion"]
    seed: int = 0
    limits: LimitsSpec = LimitsSpec()
    cache: CacheSpec = CacheSpec()
    min_effect: Annotated[float, Field(gt=0, lt=1)] = 0.05
    breakdown: list[Annotated[str, Field(min_length=1)]] = []
    gates: list[GateSpec] = []
    allow_unsafe_code: bool = False
    match_tokens: bool = False


# Sources the file will know later. Until then each is refused: nothing is accepted and ignored.
NOT_BUILT_SOURCES = frozenset({"hub", "preset"})
