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
    """Return how many times as fast our search by vector is as the others'."""
    ours, *others = [
        (name, [float(str(row[c]).split()[0]) for c in ("vector", "vector 1 %")])
        for name, row in rows.items()
        if "vector" in row
    ]
    said = [f"{name} {of[0] / ours[1][0]:.1f}, in a namespace {of[1] / ours[1][1]:.1f}" for name, of in others]
    return f"Times as fast by vector as {'; '.join(said)}"


def _cell(value: float | str | None) -> str:
    if value is None:
        return "-"
    if isinstance(value, str):
        return value
    return f"{value:,.0f}" if value >= THREE_DIGITS or value == int(value) else f"{value:.3g}"
