"""The settings of an environment: typed, frozen, validated once.

A setting needs a deploy to change. What may differ from run to run is a
pipeline parameter, whose default stands here.
"""

import re
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from settings.bias import Bias
from settings.card import Card
from settings.gate import BiasBound, Gate
from settings.jobs import Jobs, Split
from settings.network import Network, NoVpc
from settings.storage import Storage
from settings.training import Algorithm, Training
from settings.triggers import Triggers
from settings.types import AccountId, Duration, Frozen, InstanceType, Region, Share

PROJECT = "fraud-detection"

CollectionName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9-]{0,60}$")]
_TAG = r"^[\w\s.:/=+@-]+$"
_COMBINED_OPTIONS = (
    "claims", "customers", "wheelhouse", "output", "champion", "salt", "train", "validation", "test", "model-dir", "checkpoints",
    "rows-per-part", "max-quarantined", "memory-limit", "records", "review-capacity", "with-features",
)  # fmt: skip
_DAYS = {"Y": 365, "M": 31, "W": 7, "D": 1}


class Settings(Frozen):
    """One environment.

    ``account`` and ``region`` are where it may be deployed; without them, in
    whatever account and region the credentials are for. ``collections`` is
    the path of collections that holds the model package group, from the
    outermost one; their names get the environment's name, because they are
    unique in an account. ``combine_steps`` makes one job of preprocessing,
    training and evaluation: for small data, where starting machines takes
    longer than using them.
    """

    name: Annotated[str, Field(pattern=r"^[a-z]([a-z0-9-]{0,18}[a-z0-9])?$")]
    account: AccountId | None = None
    region: Region | None = None
    network: Network = NoVpc()
    storage: Storage = Storage()
    triggers: Triggers = Triggers()
    permissions_boundary: Annotated[str, Field(pattern=r"^[A-Za-z0-9_+=,.@/-]+$", max_length=512)] | None = None
    trusted_accounts: tuple[AccountId, ...] = ()
    collections: Annotated[tuple[CollectionName, ...], Field(min_length=1, max_length=4)] = ("insurance", "auto-claims")
    jobs: Jobs = Jobs()
    max_parallel_steps: Annotated[int, Field(ge=1, le=50)] = 4
    split: Split = Split()
    training: Training = Training()
    combine_steps: bool = False
    bias: Bias = Bias()
    explain: bool = True
    batch_transform: bool = True
    gate: Gate = Gate()
    card: Card = Card()
    review_capacity: Share = 0.1
    max_quarantined: Share = 0.05
    approval_status: Literal["PendingManualApproval", "Approved", "Rejected"] = "PendingManualApproval"
    cache_for: Duration = "P30D"
    network_isolation: bool = True
    serving_instance_types: tuple[InstanceType, ...] = ("ml.m5.large", "ml.m5.xlarge")
    tags: Annotated[
        dict[Annotated[str, Field(pattern=_TAG, max_length=128)], Annotated[str, Field(pattern=_TAG, max_length=256)]],
        Field(max_length=40),
    ] = {}

    @property
    def resource_name(self) -> str:
        """What the pipeline, the model package group and the stacks of this environment are called."""
        return f"{PROJECT}-{self.name}"

    def stack_name(self, part: Literal["foundation", "network", "pipeline"]) -> str:
        return f"{self.resource_name}-{part}"

    @model_validator(mode="after")
    def _account_and_region_go_together(self) -> "Settings":
        if (self.account is None) != (self.region is None):
            raise ValueError("account and region: give both, or neither for whatever the credentials are for")
        return self

    @model_validator(mode="after")
    def _what_the_cache_points_to_is_kept(self) -> "Settings":
        # A hit on a deleted output would fail the steps behind it.
        cached = sum(int(number) * _DAYS[unit] for number, unit in re.findall(r"(\d+)([YMWD])", self.cache_for.partition("T")[0])) + 1
        for key in ("intermediate_days", "noncurrent_days"):
            # A batch that was announced before is known by the old versions of its announcement.
            if getattr(self.storage, key) <= cached:
                raise ValueError(f"storage.{key}: must be more than {cached}, because steps are reused for {self.cache_for} (cache_for)")
        return self

    @model_validator(mode="after")
    def _the_steps_can_be_combined(self) -> "Settings":
        if self.combine_steps:
            # One process after the other on one machine, by the scripts that this project has.
            if not self.training.algorithm.is_script:
                raise ValueError(f"combine_steps: {self.training.algorithm} has no script to run in the one job")
            if self.training.tuning:
                raise ValueError("combine_steps: tuning needs training jobs of its own")
            if self.bias.engine == "clarify":
                raise ValueError("combine_steps: Clarify's container takes its orders from a step of its own (bias.engine)")
            if self.training.use_spot:
                raise ValueError("combine_steps: Processing jobs cannot run on Spot (training.use_spot)")
            # One command line for three scripts: a name of another one's option would be taken for it.
            if taken := sorted({name for name in self.training.hyperparameters if name.replace("_", "-") in _COMBINED_OPTIONS}):
                raise ValueError(f"combine_steps: {', '.join(taken)} is no hyperparameter of the training script")
            for step in ("preprocess", "train"):
                if getattr(self.jobs, step).instance_count > 1:
                    raise ValueError(f"combine_steps: the one job has one instance (jobs.{step}.instance_count)")
        return self

    @model_validator(mode="after")
    def _every_step_works_with_the_model(self) -> "Settings":
        algorithm = self.training.algorithm
        if self.explain and algorithm is Algorithm.KMEANS:
            raise ValueError("explain: there are no exact SHAP values of a distance to a centroid: set explain: false for kmeans")
        if self.jobs.train.instance_count > 1 and algorithm not in (Algorithm.XGBOOST, Algorithm.CUSTOM):
            raise ValueError(f"jobs.train.instance_count: {algorithm} trains on one instance here")
        if self.training.use_spot and not algorithm.has_checkpoints and self.jobs.train.max_runtime_minutes > 60:
            raise ValueError(f"training.use_spot: {algorithm} has no checkpoints: set jobs.train.max_runtime_minutes to 60 or less")
        for step in type(self.jobs).model_fields:
            if step not in ("preprocess", "train", "batch_transform") and getattr(self.jobs, step).instance_count > 1:
                raise ValueError(f"jobs.{step}.instance_count: its script works on one instance")
        return self

    @model_validator(mode="after")
    def _the_gate_reads_what_is_measured(self) -> "Settings":
        if "bias" not in self.gate.model_fields_set:
            # The defaults are about the default facets.
            return self
        for bound in self.gate.bias:
            if bound.facet not in self.bias.facets:
                raise ValueError(f"gate.bias: the facet {bound.facet} is not among bias.facets ({', '.join(self.bias.facets)})")
        if self.gate.bias and self.bias.engine == "clarify":
            raise ValueError("gate.bias: Clarify's container writes no file of single values for the gate: set engine: script, or none")
        return self

    @property
    def bias_bounds(self) -> tuple[BiasBound, ...]:
        """The gate's bias bounds, of which the default ones hold only where their facets are measured."""
        if self.bias.engine == "clarify":
            return ()
        return tuple(bound for bound in self.gate.bias if bound.facet in self.bias.facets)

    @field_validator("collections", "trusted_accounts")
    @classmethod
    def _nothing_is_there_twice(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(value)) < len(value):
            raise ValueError(f"{', '.join(sorted({each for each in value if value.count(each) > 1}))} is there twice")
        return value

    @field_validator("tags")
    @classmethod
    def _tags_are_ours(cls, value: dict[str, str]) -> dict[str, str]:
        if reserved := [key for key in value if key.lower().startswith(("aws:", "sagemaker:"))]:
            raise ValueError(f"{', '.join(reserved)}: keys of AWS's own cannot be set")
        return value
