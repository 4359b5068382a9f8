"""The same check on a cluster, for backfills that outgrow one machine: `mock-june[spark]`.

Spark reads the lines (`spark.read.text`: anything that infers types rewrites the values under test), Arrow carries them, and each partition is held to the
contract where it lies: no row is ever collected. The core, `check_batches`, is plain Arrow and knows no Spark.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from mock_june.contract import Engine
from mock_june.errors import MissingExtraError, UsageError
from mock_june.model import ContractName, Endpoint, Violation

if TYPE_CHECKING:
    from pyarrow import RecordBatch
    from pyspark.sql import DataFrame

__all__ = ["check_and_split", "check_batches", "check_events", "summary"]

ERRORS, WARNINGS, HASH = "_errors", "_warnings", "_rules_hash"
"""The columns that a check adds. The first two are `array<struct<rule,pointer,message>>`."""

MEMBERS = ("rule", "pointer", "message")
WHITE = b" \t\r\n"

Found = list[dict[str, str]]


def check_and_split(
    df: DataFrame, column: str = "value", *, contract: str = "backfill", kind: str | None = None, select: Sequence[str] = (), ignore: Sequence[str] = ()
) -> tuple[DataFrame, DataFrame]:
    """The rows whose payload June would take, and those to keep back, with `_errors` that say why. Arguments and errors are those of `check_events`.

    Each of the two checks all rows when it is used; who uses both and has the room caches: `check_events(df).persist()`, split by `size(_errors) = 0`.
    """
    checked = check_events(df, column, contract=contract, kind=kind, select=select, ignore=ignore)
    return checked.where(f"size({ERRORS}) = 0").drop(ERRORS), checked.where(f"size({ERRORS}) > 0")


def check_events(
    df: DataFrame, column: str = "value", *, contract: str = "backfill", kind: str | None = None, select: Sequence[str] = (), ignore: Sequence[str] = ()
) -> DataFrame:
    """All rows of a frame with what `mock-june check` says of the JSON text in `column` (string or binary): `_errors`, `_warnings`, `_rules_hash`.

    Blank rows are left out, as blank lines are; a null is no JSON. `kind` None: each payload's `type` says it. Nothing is checked before the result is used.
    Raises UsageError for a column that is missing, is of another type, or has a name that is to be added, and for a contract, kind or pattern that is none.
    """
    _refuse(df.schema, column)
    # Here, not in some executor an hour later, does a misspelt rule fail.
    Engine(select, ignore).quick(Endpoint(cast("ContractName", contract), kind))
    check = partial(check_batches, column=column, contract=contract, kind=kind, select=tuple(select), ignore=tuple(ignore))
    return df.mapInArrow(check, _checked(df.schema))


def summary(df: DataFrame) -> DataFrame:
    """What was found in a frame that `check_events` made, a row a rule: `rule`, `severity`, `count`, and one `message` of it. The most frequent comes first."""
    found = " union all ".join(
        f"select '{severity}' as severity, inline({column}) from {{checked}}"  # noqa: S608 - names of ours alone
        for severity, column in (("error", ERRORS), ("warning", WARNINGS))
    )
    query = f"select rule, severity, count(*) as count, min(message) as message from ({found}) group by rule, severity order by count desc, rule"  # noqa: S608
    return df.sparkSession.sql(query, checked=df)


def check_batches(
    batches: Iterable[RecordBatch],
    *,
    column: str = "value",
    contract: str = "backfill",
    kind: str | None = None,
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
) -> Iterator[RecordBatch]:
    """Record batches with the columns that say what was found in `column`; blank rows are left out. The contract is made ready once, for all batches.

    Raises MissingExtraError without pyarrow, UsageError as `check_events` does.
    """
    pa = _arrow()
    engine, endpoint = Engine(select, ignore), Endpoint(cast("ContractName", contract), kind)
    look = engine.quick(endpoint)
    found_type = pa.list_(pa.struct([(name, pa.string()) for name in MEMBERS]))
    for batch in batches:
        # Bytes, not text: what is no UTF-8 is to be named, not to be stumbled over.
        bodies = batch.column(column).cast(pa.binary()).to_pylist()
        whole = [body is None or bool(body.strip(WHITE)) for body in bodies]
        if not all(whole):
            batch = batch.filter(pa.array(whole))  # noqa: PLW2901 - the same rows, without the blank ones
        bodies = [body or b"" for body, is_whole in zip(bodies, whole, strict=True) if is_whole]
        errors: list[Found] = [[]] * len(bodies)
        warnings: list[Found] = [[]] * len(bodies)
        for number, _ in look.doubtful(bodies):  # nearly all are good, and cost that look alone
            verdict = engine.check(bodies[number], endpoint)
            errors[number], warnings[number] = _told(verdict.violations), _told(verdict.warnings)
        added = [pa.array(errors, found_type), pa.array(warnings, found_type), pa.repeat(pa.scalar(engine.rules_hash), len(bodies))]
        yield pa.RecordBatch.from_arrays([*batch.columns, *added], names=[*batch.schema.names, ERRORS, WARNINGS, HASH])


def _told(found: Iterable[Violation]) -> Found:
    return [{"rule": each.rule, "pointer": each.pointer, "message": each.message} for each in found]


def _checked(schema: Any) -> Any:
    """Spark's schema of a frame that was checked."""
    from pyspark.sql.types import ArrayType, StringType, StructField, StructType  # noqa: PLC0415 - an extra, and slow to import

    findings = ArrayType(StructType([StructField(name, StringType()) for name in MEMBERS]))
    return StructType([*schema.fields, StructField(ERRORS, findings), StructField(WARNINGS, findings), StructField(HASH, StringType())])


def _refuse(schema: Any, column: str) -> None:
    """Raises UsageError for a frame that cannot be checked by that column."""
    types = {field.name: field.dataType.simpleString() for field in schema.fields}
    if column not in types:
        raise UsageError(f"the frame has no column {column!r}: there are {', '.join(types)}")
    if types[column] not in {"string", "binary"}:
        raise UsageError(f"the column {column!r} is {types[column]}, not the JSON text of a payload: read the files with `spark.read.text`")
    taken = {ERRORS, WARNINGS, HASH} & types.keys()
    if taken:
        raise UsageError(f"the frame has a column {min(taken)!r} already: was it checked before?")


def _arrow() -> Any:
    try:
        import pyarrow as pa  # noqa: PLC0415 - an extra, and slow to import
    except ImportError:
        raise MissingExtraError('checking record batches needs: pip install "mock-june[spark]"', "spark") from None
    return pa
