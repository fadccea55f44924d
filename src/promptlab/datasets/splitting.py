"""Which row goes to which split, decided in SQL so that memory does not grow with the rows.

Works on the temporary table `rows` of an index under construction (see index.py): `name` is what the row
or its file says of its split, `grp` its group, `split` (its position in SPLITS, or null) is decided here.
Rows are drawn in the order of a seeded hash of the id, or of the group: their neighbours do not matter.
Test is drawn from the front of that order, train and then dev from its back: changing one size leaves
the other splits as they are for as long as rows suffice.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from promptlab.basics.errors import ExperimentError
from promptlab.basics.registry import did_you_mean
from promptlab.datasets.sample import SPLITS, SplitName
from promptlab.datasets.spec import DatasetSpec, Part, SplitSpec, own_split_name

DEFAULT_FRACTION = 0.2
_SHOWN_NAMES = 12
_NUMBER = {name: position for position, name in enumerate(SPLITS)}


def draw_key(seed: int, unit: str) -> int:
    """The place of a row or group in the order of drawing: 63 bits that depend on `seed` and `unit` only."""
    hashed = hashlib.sha256(f"{seed}\0{unit}".encode(errors="surrogatepass")).digest()
    return int.from_bytes(hashed[:8], "big") >> 1


@dataclass
class Splitter:
    """Assigns splits. `named` says that rows carry split names: of their files, their source or a column.

    The connection knows `draw_key` as an SQL function.
    """

    connection: sqlite3.Connection
    spec: DatasetSpec
    seed: int
    need_train: bool
    need_dev: bool
    may_lack: bool
    named: bool
    _notes: list[str] = field(default_factory=list)
    _keyed: bool = False

    def assign(self) -> list[str]:
        """Decides `split` of every row; returns what is to be said. ExperimentError for too few rows."""
        split = self.spec.split
        if split is not None and split.folds is not None:
            self._folds(split.folds, split.fold)
        elif split is not None and split.by_amount:
            self._amounts(split)
        elif self.named:
            self._names(split)
        else:
            if split is not None:
                raise ExperimentError(
                    "the data set has no named splits",
                    field=f"split.{next(iter(split.parts()))}",
                    value=next(iter(split.parts().values())),
                    remedy="Give a size or a fraction, or `column:`, or one file per split under `path:`.",
                )
            self._move(None, "test")
        self._fill_missing()
        if not self._count("test") and not self.may_lack:
            raise ExperimentError(
                "no row is left for the test split", field="split", remedy="Make train or dev smaller."
            )
        self._say_unused()
        return self._notes

    def _amounts(self, split: SplitSpec) -> None:
        rows = self._count_all()
        sizes = _sizes(split, rows)
        if sum(sizes.values()) > rows:
            name = max(sizes, key=lambda each: sizes[each])
            raise ExperimentError(
                f"the splits need {sum(sizes.values())} rows, but there are {rows}",
                field=f"split.{name}",
                value=split.parts()[name],
                remedy=f"Ask for at most {rows} in all.",
            )
        for name, size in sizes.items():
            taken = self._take(None, name, size, from_back=name != "test")
            if taken != size:
                self._notes.append(f"{name}: {taken} rows instead of {size}, since groups are kept whole")

    def _folds(self, folds: int, fold: int) -> None:
        self._make_keys()
        numbers: list[tuple[int, SplitName]] = [(fold, "test")]
        if self.need_dev:
            numbers.append(((fold + 1) % folds, "dev"))
        for number, name in numbers:
            self.connection.execute(
                "UPDATE temp.rows SET split = ? WHERE n IN (SELECT n FROM (SELECT n,"
                " (DENSE_RANK() OVER (ORDER BY key) - 1) % ? AS fold FROM temp.rows) WHERE fold = ?)",
                (_NUMBER[name], folds, number),
            )

    def _names(self, split: SplitSpec | None) -> None:
        """By what rows or files say: `test: [a, b]` picks names; else train, dev, test and their aliases."""
        parts = split.parts() if split is not None else {}
        chosen: dict[SplitName, list[str]] = {name: _listed(part) for name, part in parts.items()}
        found = [
            text for (text,) in self.connection.execute("SELECT DISTINCT name FROM temp.rows LIMIT 10000")
        ]
        if not chosen:
            for text in found:
                name = own_split_name(text)
                if name is not None:
                    chosen.setdefault(name, []).append(text)
            if not chosen:
                shown = ", ".join(map(repr, sorted(found)[:_SHOWN_NAMES]))
                raise ExperimentError(
                    f"no row says train, dev or test, but {shown}",
                    field="split.column" if split is not None else "path",
                    remedy=f"Say which is which: `test: {sorted(found)[0]}`.",
                )
        for name, texts in chosen.items():
            for text in texts:
                if text not in found:
                    raise ExperimentError(
                        "no row has that split name",
                        field=f"split.{name}",
                        value=text,
                        remedy=did_you_mean(text, found),
                    )
                self.connection.execute(
                    "UPDATE temp.rows SET split = ? WHERE name = ? AND split IS NULL", (_NUMBER[name], text)
                )

    def _fill_missing(self) -> None:
        """Gives the experiment the train and dev it needs where the split has none.

        First from rows that the split leaves over. Then 20 % of train serve as dev; and where no split
        was asked for, 20 % of the test rows as train or dev. A test split that was asked for stays whole.
        What cannot be had is an error, or with `may_lack` stays empty.
        """
        missing = [name for name in self._needed() if not self._count(name)]
        left = self._count(None)
        if missing and left:
            if len(missing) == 2:
                self._take(None, "dev", max(1, left // 2), from_back=False)
            self._move(None, missing[0])
            for name in missing:
                self._notes.append(f"{name}: {self._count(name)} rows that the split leaves over")
        missing = [name for name in missing if not self._count(name)]
        rows = {name: self._count(name) for name in SPLITS}
        for name in missing:
            donor: SplitName = "train" if rows["train"] else "test"
            if donor == "test" and self.spec.split is not None:
                taken = 0
            else:
                taken = self._take(donor, name, max(1, round(DEFAULT_FRACTION * rows[donor])), from_back=True)
            if not taken or not self._count(donor):
                if self.may_lack:
                    self._move(name, donor)
                    continue
                raise ExperimentError(
                    f"the experiment needs {name} rows, and there are none left for it",
                    field=f"split.{name}" if self.spec.split is not None else "path",
                    remedy=f"Give `{name}:` under `split:`, make the others smaller, or add rows.",
                )
            unit = "id" if self.spec.group is None else "group"
            self._notes.append(
                f"{name}: {taken} of the {rows[donor]} {donor} rows, taken out by hash of the {unit}"
                f" (seed {self.seed}), since the experiment needs {name} and the data set names none"
            )

    def _take(self, pool: SplitName | None, to: SplitName, wanted: int, *, from_back: bool) -> int:
        """Moves `wanted` rows of `pool` in hash order, whole groups only; returns how many were moved.

        Groups that do not fit any more are passed over; where none fits at all, the smallest is moved.
        """
        self._make_keys()
        run = self.connection.execute
        run(
            "CREATE TEMP TABLE units AS"
            " SELECT key, COUNT(*) AS size FROM temp.rows WHERE split IS ? GROUP BY key",
            (_numbered(pool),),
        )
        run("CREATE TEMP TABLE taken(key INTEGER PRIMARY KEY)")
        in_order = run(f"SELECT key, size FROM temp.units ORDER BY key {'DESC' if from_back else ''}")
        self.connection.executemany("INSERT INTO temp.taken VALUES (?)", _fitting(in_order, wanted))
        in_order.close()
        if run("SELECT NOT EXISTS (SELECT * FROM temp.taken) AND COUNT(*) > 1 FROM temp.units").fetchone()[0]:
            run("INSERT INTO temp.taken SELECT key FROM temp.units ORDER BY size, key LIMIT 1")
        moved = run(
            "UPDATE temp.rows SET split = ? WHERE split IS ? AND key IN (SELECT key FROM temp.taken)",
            (_NUMBER[to], _numbered(pool)),
        ).rowcount
        run("DROP TABLE temp.units")
        run("DROP TABLE temp.taken")
        return moved

    def _make_keys(self) -> None:
        if not self._keyed:
            self.connection.execute(
                "UPDATE temp.rows SET key ="
                " draw_key(?, CASE WHEN grp IS NULL THEN 'id ' || id ELSE 'group ' || grp END)",
                (self.seed,),
            )
            self._keyed = True

    def _move(self, pool: SplitName | None, to: SplitName) -> None:
        self.connection.execute(
            "UPDATE temp.rows SET split = ? WHERE split IS ?", (_NUMBER[to], _numbered(pool))
        )

    def _count(self, name: SplitName | None) -> int:
        query = "SELECT COUNT(*) FROM temp.rows WHERE split IS ?"
        return int(self.connection.execute(query, (_numbered(name),)).fetchone()[0])

    def _count_all(self) -> int:
        return int(self.connection.execute("SELECT COUNT(*) FROM temp.rows").fetchone()[0])

    def _needed(self) -> list[SplitName]:
        needs: list[tuple[SplitName, bool]] = [("train", self.need_train), ("dev", self.need_dev)]
        return [name for name, needed in needs if needed]

    def _say_unused(self) -> None:
        unused = self._count(None)
        if unused:
            self._notes.append(f"{unused} of {self._count_all()} rows belong to no split and stay unused")


def _fitting(units: Iterable[tuple[int, int]], wanted: int) -> Iterator[tuple[int]]:
    """The keys of units of (key, size), in their order, that together hold at most `wanted` rows."""
    for key, size in units:
        if size <= wanted:
            wanted -= size
            yield (key,)
        if not wanted:
            return


def _numbered(name: SplitName | None) -> int | None:
    return None if name is None else _NUMBER[name]


def _sizes(split: SplitSpec, rows: int) -> dict[SplitName, int]:
    """Rows per split. Fractions are rounded so that fractions that add up to 1 leave no row over."""
    parts = split.parts()
    fractions = {name: part * rows for name, part in parts.items() if isinstance(part, float)}
    sizes = {name: int(part) for name, part in parts.items() if isinstance(part, int)}
    sizes |= {name: int(exact + 1e-9) for name, exact in fractions.items()}
    spare = round(sum(fractions.values())) - sum(sizes[name] for name in fractions)
    for name in sorted(fractions, key=lambda each: sizes[each] - fractions[each])[: max(spare, 0)]:
        sizes[name] += 1
    return {name: sizes[name] for name in parts}


def _listed(part: Part) -> list[str]:
    return [str(each) for each in part] if isinstance(part, list) else [str(part)]
