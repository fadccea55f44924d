"""How an experiment says which demos a prompt shows."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from promptlab.basics.named_file import NamedFile
from promptlab.basics.registry import did_you_mean
from promptlab.datasets.sample import Sample
from promptlab.retrieval.demo_sets import demo_set, demos_in, set_names

BY_SIMILARITY = ("bm25", "tfidf", "mmr", "knn")


class DemoSpec(BaseModel):
    """How demos are chosen: from train, from a `set` that ships with promptlab, or from a `demo_file`.

    `fixed`: the first `count`, or those of `ids` in their order. `random`: drawn once from the seed, so that
    all questions see the same demos; `per: sample` draws anew for each. `balanced`: drawn once, equally many
    of each label. `bm25`, `tfidf`: the nearest to the question (KATE, arXiv 2101.06804, but with lexical
    similarity). `knn`: the nearest by the experiment's `embedding:` model; without one it is `tfidf`, and the
    record says so. `mmr`: near the question but unlike each other, weighed by `diversity`.
    `render`: demos as chat turns, or all in a single message. A number alone is `count`; of a set or a file
    all are shown where `count` is not given. A demo file is YAML or JSON lines: `question`, `answer`, and
    where a technique shows them `rationale` and `steps: [{question, answer}]`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    count: int = Field(default=4, ge=0)
    # Came later: where they are not given, trials have the identity they had before.
    later_settings: ClassVar[tuple[str, ...]] = ("set", "demo_file")

    select: Literal["fixed", "random", "balanced", "bm25", "tfidf", "mmr", "knn"] = "fixed"
    order: Literal["as_is", "shuffled", "nearest_first", "nearest_last"] = "as_is"
    render: Literal["turns", "single"] = "turns"
    ids: list[str] | None = None
    per: Literal["cell", "sample"] = "cell"
    diversity: float = Field(default=0.5, ge=0, le=1)
    seed: int | None = None
    set: str | None = None
    demo_file: NamedFile | None = None

    @property
    def from_train(self) -> bool:
        return self.set is None and self.demo_file is None

    @property
    def drawn_once(self) -> bool:
        """Whether one draw decides what all questions see."""
        return self.count > 0 and self.select in ("random", "balanced") and self.per == "cell"

    @property
    def source(self) -> str:
        """Where the demos come from, in a word."""
        if self.demo_file is not None:
            return self.demo_file.name
        return "train" if self.set is None else f"set {self.set}"

    @model_validator(mode="before")
    @classmethod
    def _short_forms(cls, values: object) -> object:
        if isinstance(values, int) and not isinstance(values, bool):
            return {"count": values}
        if isinstance(values, dict) and isinstance(values.get("ids"), list):
            return {"count": len(values["ids"]), **values}
        return values

    @model_validator(mode="after")
    def _consistent(self) -> DemoSpec:
        if self.ids is not None and self.select != "fixed":
            raise ValueError("ids goes with select: fixed")
        if self.ids is not None and self.count != len(self.ids):
            raise ValueError(f"count is {self.count}, but ids names {len(self.ids)}")
        if self.per == "sample" and self.select != "random":
            raise ValueError("per: sample goes with select: random")
        if self.order.startswith("nearest") and self.select not in BY_SIMILARITY:
            raise ValueError(f"order: {self.order} needs a similarity: select: {', '.join(BY_SIMILARITY)}")
        if "diversity" in self.model_fields_set and self.select != "mmr":
            raise ValueError("diversity goes with select: mmr")
        if self.set is not None and self.demo_file is not None:
            raise ValueError("`set` and `demo_file` both stand here; keep one")
        if self.set is not None and self.set not in set_names():
            raise ValueError(f"there is no demo set {self.set!r}. {did_you_mean(self.set, set_names())}")
        return self

    def rows(self) -> list[Sample] | None:
        """The demos of the set or the file; None: they come from train. ExperimentError for a bad file."""
        if self.demo_file is not None:
            return demos_in(self.demo_file)
        return None if self.set is None else demo_set(self.set)
