"""Tables of what was measured, and the ratios in them."""

from __future__ import annotations

Report = dict[str, float | str]

THREE_DIGITS = 100


def table(rows: dict[str, Report]) -> str:
    """Return the reports as a table."""
    columns = list(dict.fromkeys(column for report in rows.values() for column in report))
    lines = [f"| | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
    for name, report in rows.items():
        lines.append(f"| {name} | {' | '.join(_cell(report.get(column)) for column in columns)} |")
    return "\n".join(lines)


def ratios(rows: dict[str, Report]) -> str:
    """Return how our searches by vector and our writes compare with the others'."""
    ours, *others = rows.values()
    names = list(rows)[1:]
    faster, slower = [], []
    for name, other in zip(names, others, strict=True):
        if "vector" in other:
            all_of, some_of = (_ratio(other, ours, column) for column in ("vector", "vector 1 %"))
            faster.append(f"{name} {all_of}, in a namespace {some_of}")
        if "add 1" in other:
            one, hundred = (_ratio(ours, other, column) for column in ("add 1", "add 100"))
            slower.append(f"{name} for one {one}, for 100 {hundred}, in bulk {_ratio(other, ours, 'bulk rows/s')}")
    said = f"Times as fast by vector as {'; '.join(faster)}."
    return f"{said} A durable write takes so many times as long as with {'; '.join(slower)}." if slower else said


def _ratio(one: Report, other: Report, column: str) -> str:
    return f"{_number(one[column]) / _number(other[column]):.1f}"


def _number(value: float | str) -> float:
    return float(str(value).split()[0])


def _cell(value: float | str | None) -> str:
    if value is None:
        return "-"
    if isinstance(value, str):
        return value
    return f"{value:,.0f}" if value >= THREE_DIGITS or value == int(value) else f"{value:.3g}"
