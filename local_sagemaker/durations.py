"""ISO 8601 durations, and the loose forms that the service accepts beside them."""

import re
from datetime import timedelta

_FORM = re.compile(
    r"P?(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?", re.IGNORECASE
)
_DAYS = (365, 30, 7, 1)


def parse(text: str) -> timedelta:
    """The length of ``P30D``, ``PT1H``, ``30d`` or ``T16m``; a year has 365 days, a month 30.

    Raises:
        ValueError: it is none.
    """
    match = _FORM.fullmatch(text.strip())
    groups = match.groups() if match else ()
    if not any(groups):
        raise ValueError(f"{text!r} is not a duration such as P30D or PT12H")
    numbers = [int(group or 0) for group in groups]
    days = sum(number * length for number, length in zip(numbers, _DAYS, strict=False))
    return timedelta(days=days, hours=numbers[4], minutes=numbers[5], seconds=numbers[6])
