"""The state between two blocks of rounds: a booster and its metrics so far, in one file or in one message."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import xgboost as xgb

_HISTORY = "history"


@dataclass(frozen=True)
class History:
    """Metric values per round on train and validation."""

    train_logloss: list[float] = field(default_factory=list)
    validation_logloss: list[float] = field(default_factory=list)
    validation_auc: list[float] = field(default_factory=list)

    @property
    def best_round(self) -> int:
        return self.validation_logloss.index(min(self.validation_logloss))

    def is_over(self, patience: int) -> bool:
        rounds = len(self.validation_logloss)
        return rounds > 0 and rounds - 1 - self.best_round >= patience

    def extended(self, seen: Mapping[str, Mapping[str, list[float]]]) -> "History":
        """With the rounds that XGBoost tells in ``evals_result``."""
        return History(
            self.train_logloss + seen["train"]["logloss"],
            self.validation_logloss + seen["validation"]["logloss"],
            self.validation_auc + seen["validation"]["auc"],
        )


@dataclass(frozen=True)
class State:
    """``model`` is a booster as UBJSON; empty before the first block."""

    model: bytes = b""
    history: History = field(default_factory=History)

    @classmethod
    def of(cls, booster: xgb.Booster, history: History) -> "State":
        return cls(bytes(booster.save_raw("ubj")), history)

    def booster(self) -> xgb.Booster | None:
        return xgb.Booster(model_file=bytearray(self.model)) if self.model else None

    @classmethod
    def load(cls, checkpoint: Path) -> "State":
        """What the file holds; the beginning where there is none or it cannot be read."""
        if not checkpoint.exists():
            return cls()
        content = checkpoint.read_bytes()
        try:
            # XGBoost ends the process over an empty or cut file.
            if not (content.startswith(b"{") and content.endswith(b"}")):
                raise ValueError
            booster = xgb.Booster(model_file=bytearray(content))
            history = History(**json.loads(booster.attr(_HISTORY) or ""))
        except (xgb.core.XGBoostError, ValueError, TypeError):
            print(f"the checkpoint {checkpoint.name} is unreadable and not used")
            checkpoint.unlink()
            return cls()
        booster.set_attr(**{_HISTORY: None})
        return cls.of(booster, history)

    def save(self, checkpoint: Path) -> None:
        """Replace the checkpoint at once: what a kill leaves behind is the old one or the new one."""
        checkpoint.parent.mkdir(parents=True, exist_ok=True)
        booster = self.booster()
        assert booster is not None
        booster.set_attr(**{_HISTORY: json.dumps(asdict(self.history))})
        # Named by the process: two runs that train the same model share the folder.
        partial = checkpoint.with_name(f".{checkpoint.name}.{os.getpid()}.partial")
        partial.write_bytes(booster.save_raw("ubj"))
        partial.replace(checkpoint)
