"""Distance from the clusters of SageMaker's KMeans: unlike the usual claims is suspicious."""

from typing import NoReturn

import numpy as np
import numpy.typing as npt

from training_code.scoring import ndarray
from training_code.scoring.model import Features, Floats, Model, ModelError, NotExplainableError, Scale

_NEAREST = 1e-12
"""A distance below it counts as this one, so that the margin of a claim on a centroid is finite."""


class Centroids(Model):
    """score = d / (1 + d), where d is the distance to the nearest centroid in units of the schema."""

    format = "kmeans"
    can_explain = False

    def __init__(self, content: bytes, name: str, *, features: tuple[str, ...], scale: Scale) -> None:
        """Raises ModelError: not an NDArray file, or its first array is not ``(k, f)``."""
        arrays = ndarray.read(content, name)
        if not arrays:
            raise ModelError(f"{name} holds no arrays")
        self.features, self.scale = features, scale
        self.centroids = arrays[0][1].astype(np.float64)
        if self.centroids.ndim != 2 or self.centroids.shape[1] != len(features):
            raise ModelError(f"{name}: the centroids have the shape {self.centroids.shape}; expected (k, {len(features)})")
        if not np.isfinite(self.centroids).all():
            raise ModelError(f"{name}: a centroid is not finite")

    def _score(self, features: Features) -> npt.NDArray[np.float32]:
        distance = self._distance(features)
        return (distance / (1 + distance)).astype(np.float32)

    def _margin(self, features: Features) -> Floats:
        margin: Floats = np.log(np.maximum(self._distance(features), _NEAREST))
        return margin

    def _contributions(self, features: Features) -> NoReturn:
        raise NotExplainableError(
            "a k-means model scores by the distance to the nearest centroid, in which single features have no share of their own"
        )

    def _distance(self, features: Features) -> Floats:
        nearest = np.full(len(features), np.inf)
        scaled = (features - self.scale.origins) / self.scale.units
        for centroid in self.centroids:
            np.minimum(nearest, ((scaled - centroid) ** 2).sum(axis=1), out=nearest)
        distance: Floats = np.sqrt(nearest)
        return distance
