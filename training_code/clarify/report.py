"""The report that a configuration may ask for."""

from training_code.bias import pages
from training_code.clarify.config import Config
from training_code.clarify.run import Result
from training_code.reporting import page

_BEFORE = ("DPL", "CDDL")
_AFTER = ("DPPL", "CDDPL", "RD", "DAR", "SD", "DRR", "AD", "FT")


def html(config: Config, result: Result) -> str:
    """Every facet of both sections, with the metrics that the configuration names."""
    before = [name for name in _BEFORE if name in config.before]
    after = [name for name in _AFTER if name in config.after]
    ratio = "DI" if "DI" in config.after else None
    return page.page(
        config.title,
        f"{result.records:,} records; the positive label is {result.label} {result.positive}. "
        "Each facet is compared with all other records.",
        [
            *(pages.facet(found, before, only=config.before, prefix="Before training: ") for found in result.before),
            *(pages.facet(found, after, ratio, only=config.after, prefix="After training: ") for found in result.after),
        ],
    )
