"""Formatting of numbers in tables, figures and the report."""

import numpy as np
import pandas as pd


def number(value: float | None, digits: int = 2) -> str:
    """Write a number as 0.87, with a minus sign, not a hyphen; an en dash for a missing value."""
    if value is None or not np.isfinite(value):
        return "–"
    return f"{round(value, digits) + 0.0:.{digits}f}".replace("-", "−")  # -0.0 + 0.0 is 0.0


def with_interval(value: float, low: float, high: float) -> str:
    """Write a value as 0.87 (0.60–1.00); without an interval, with "(no interval)"."""
    if not np.isfinite(value):
        return "not defined"
    if not np.isfinite(low):
        return f"{number(value)} (no interval)"
    to = " to " if low < 0 else "–"
    return f"{number(value)} ({number(low)}{to}{number(high)})"


def intervals_by_arm(rows: pd.DataFrame) -> dict[str, tuple[float, float, float]]:
    """Collect value, low and high of each arm, from metrics with one row for each arm."""
    columns = (rows[name] for name in ("arm", "value", "low", "high"))
    return {str(arm): (value, low, high) for arm, value, low, high in zip(*columns, strict=True)}


def p_value(p: float) -> str:
    """Write a p-value as < 0.001, 0.013 or 0.21; an en dash for a missing value."""
    if not np.isfinite(p):
        return "–"
    return "< 0.001" if p < 0.001 else f"{p:.3f}" if p < 0.1 else f"{p:.2f}"
