"""What every model can do."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Features = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]
Contributions = npt.NDArray[np.float32] | npt.NDArray[np.float64]


@dataclass(frozen=True)
class Scale:
    """What built-in algorithms are given in place of a feature: ``(feature − origin) / unit``; both ``(f,)``."""

    origins: Floats
    units: Floats


class ModelError(Exception):
    """A model archive that cannot be read; the message says which file and why."""


class NotExplainableError(Exception):
    """The model gives no contributions of single features; the message says why."""


class Model(ABC):
    """A model over encoded claims.

    Every method takes float32 ``(n, len(features))`` with the columns in the
    order of ``features``, and raises ValueError for another shape. A row's
    score does not depend on the rows around it, to the last bit.
    """

    format: str
    """``xgboost``, ``linear``, ``linear-learner`` or ``kmeans``."""
    features: tuple[str, ...]
    can_explain: bool = True
    """Whether ``contributions`` works."""
    _threads: int | None = None
    """None leaves it to the library."""

    def use_threads(self, count: int) -> None:
        """Work with so many threads from now on, where the kind of model has any; results are the same.

        Who scores in several processes side by side wants one in each: they would wait for each other.
        """
        self._threads = count

    def score(self, features: Features) -> npt.NDArray[np.float32]:
        """``(n,)`` in [0, 1]; higher is more suspicious. What thresholds are compared with."""
        return self._score(self._checked(features))

    def margin(self, features: Features) -> Floats:
        """``(n,)``: the logit of the score."""
        return self._margin(self._checked(features))

    def contributions(self, features: Features) -> Contributions:
        """``(n, len(features) + 1)``: what each feature adds to the margin, and last the base.

        A row sums to the margin within 1e-5 of its largest part.

        Raises:
            NotExplainableError: where ``can_explain`` is false.
        """
        return self._contributions(self._checked(features))

    def _checked(self, features: Features) -> Features:
        if features.ndim != 2 or features.shape[1] != len(self.features):
            raise ValueError(f"the model takes {len(self.features)} features a claim; the array has the shape {features.shape}")
        return np.ascontiguousarray(features, np.float32)

    @abstractmethod
    def _score(self, features: Features) -> npt.NDArray[np.float32]: ...

    @abstractmethod
    def _margin(self, features: Features) -> Floats: ...

    @abstractmethod
    def _contributions(self, features: Features) -> Contributions: ...
