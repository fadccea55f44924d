"""What an experiment file says of one data set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictFloat,
    StrictInt,
    StrictStr,
    field_validator,
    model_validator,
)

from promptlab.datasets.sample import SPLITS, SplitName

TEXT_KINDS = {".csv": "csv", ".tsv": "tsv", ".tab": "tsv", ".jsonl": "jsonl", ".ndjson": "jsonl"}
COPIED_KINDS = {".json": "json", ".parquet": "parquet", ".pq": "parquet", ".xlsx": "xlsx", ".xlsm": "xlsx"}

# Other names that sources give their splits.
SPLIT_ALIASES: dict[str, SplitName] = {"validation": "dev", "valid": "dev", "val": "dev"}

Part = StrictInt | StrictFloat | StrictStr | list[StrictInt | StrictStr]


def own_split_name(text: str) -> SplitName | None:
    """train, dev or test in any case, or another common name of one of them."""
    lower = text.strip().lower()
    return next((name for name in SPLITS if name == lower), SPLIT_ALIASES.get(lower))


def is_template(text: str) -> bool:
    """Whether a setting is a template; else it names a column."""
    return "{{" in text or "{%" in text


class SplitSpec(BaseModel):
    """How rows are shared out. One of three ways, each group-aware where the data set has a `group`:

    - sizes (`test: 60`) and fractions (`test: 0.8`), drawn by seeded hash of the id;
    - `column: NAME`, whose values are the split names, or `test: VALUE` or `test: [VALUE, VALUE]`.
      Without `column`, values are the names that the source has (one file per split, a generated source);
    - `folds: 5, fold: 0`: fold 0 is test; where a dev split is needed the next fold serves.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    train: Part | None = None
    dev: Part | None = None
    test: Part | None = None
    column: str | None = None
    folds: StrictInt | None = Field(default=None, ge=2)
    fold: StrictInt = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _one_way(self) -> SplitSpec:
        parts = self.parts()
        if self.folds is not None:
            if parts or self.column:
                raise ValueError("folds stand alone: leave out train, dev, test and column")
            if self.fold >= self.folds:
                raise ValueError(f"fold {self.fold} does not exist: {self.folds} folds count from 0")
            return self
        if "fold" in self.model_fields_set:
            raise ValueError("fold needs folds: the number of folds")
        if self.column is not None:
            if any(isinstance(part, float) for part in parts.values()):
                raise ValueError("with column, train, dev and test name values of that column, not fractions")
            return self
        if not parts:
            raise ValueError("say at least test: its size, fraction or name (or column, or folds)")
        drawn = [isinstance(part, (int, float)) for part in parts.values()]
        if any(drawn) and not all(drawn):
            raise ValueError("sizes and names of splits cannot be mixed")
        if all(drawn):
            self._check_amounts()
        return self

    def _check_amounts(self) -> None:
        fractions = 0.0
        for name, part in self.parts().items():
            if isinstance(part, int) and part < 1:
                raise ValueError(f"{name}: {part} is no size: give 1 or more rows, or leave it out")
            if isinstance(part, float):
                if not 0 < part <= 1:
                    raise ValueError(f"{name}: {part} is no fraction: give a number above 0 and up to 1.0")
                fractions += part
        if fractions > 1 + 1e-9:
            raise ValueError(f"the fractions add up to {fractions:g}, more than 1")

    def parts(self) -> dict[SplitName, Part]:
        """What was said of each split, test first."""
        said: dict[SplitName, Part | None] = {"test": self.test, "train": self.train, "dev": self.dev}
        return {name: part for name, part in said.items() if part is not None}

    @property
    def by_amount(self) -> bool:
        """Sizes and fractions, drawn by hash."""
        return (
            self.folds is None
            and self.column is None
            and all(isinstance(part, (int, float)) for part in self.parts().values())
        )


class DatasetSpec(BaseModel):
    """One data set. `target`, `rationale`, `choices`, `group` and `id` are columns or templates over a row.

    `limit` takes the first rows (of each file), `sample` draws that many by seeded hash of the id, both
    before splitting. `records` names the key of a JSON object that holds the rows, dots lead deeper; of an
    xlsx file the sheet. `delimiter` is what stands between the cells of a csv file, if no comma.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str | dict[str, str] | None = None
    generate: str | dict[str, Any] | None = None
    name: str = ""
    split: SplitSpec | None = None
    target: str | None = None
    id: str | None = None
    rationale: str | None = None
    choices: str | list[str] | None = None
    group: str | None = None
    metadata: list[str] = Field(default_factory=list)
    limit: StrictInt | None = Field(default=None, ge=1)
    sample: StrictInt | None = Field(default=None, ge=1)
    header: bool = True
    columns: list[str] | None = None
    records: str | None = None
    encoding: str | None = None
    delimiter: str | None = None

    @field_validator("split", mode="before")
    @classmethod
    def _column_alone(cls, value: Any) -> Any:
        return {"column": value} if isinstance(value, str) else value

    @field_validator("path")
    @classmethod
    def _some_path(cls, value: str | dict[str, str] | None) -> str | dict[str, str] | None:
        if value is not None and (not value or (isinstance(value, dict) and not all(value.values()))):
            raise ValueError("the path is empty")
        return value

    @field_validator("delimiter")
    @classmethod
    def _one_character(cls, value: str | None) -> str | None:
        if value is not None and (len(value) != 1 or value in '"\r\n' or not value.isascii()):
            raise ValueError('a delimiter is one ASCII character, as in `delimiter: ";"`')
        return value

    @field_validator("generate")
    @classmethod
    def _named_source(cls, value: str | dict[str, Any] | None) -> str | dict[str, Any] | None:
        if isinstance(value, dict) and not isinstance(value.get("source"), str):
            raise ValueError("say which source: {source: last_letter, size: 200}")
        return value

    @model_validator(mode="after")
    def _consistent(self) -> DatasetSpec:
        if (self.path is None) == (self.generate is None):
            raise ValueError("a data set needs either path or generate")
        if self.generate is not None:
            given = sorted(self.model_fields_set & {"header", "columns", "records", "encoding", "delimiter"})
            if given:
                raise ValueError(f"{', '.join(given)}: only files have that, generated sources do not")
        if not self.header and not self.columns:
            raise ValueError("header: false needs the names of the columns: columns: [question, answer]")
        if self.header and self.columns is not None:
            raise ValueError("columns goes with header: false; a file with a header names its own columns")
        if self.columns is not None and len(set(self.columns)) < len(self.columns):
            raise ValueError("columns names one column twice")
        return self

    @property
    def label(self) -> str:
        """The name people see: `name`, else the file's stem, else the source."""
        if self.name:
            return self.name
        if isinstance(self.generate, str):
            return self.generate
        if self.generate is not None:
            return str(self.generate["source"])
        paths = list(self.path.values()) if isinstance(self.path, dict) else [self.path or ""]
        stems = [Path(path).stem for path in paths]
        return stems[0] if len(stems) == 1 else "+".join(stems)
