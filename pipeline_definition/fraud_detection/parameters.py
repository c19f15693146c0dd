"""What may differ from run to run; the defaults are the settings'."""

from dataclasses import dataclass

from pipeline_definition import parameters as p
from pipeline_definition.fraud_detection import plan
from pipeline_definition.fraud_detection.assets import NO_CHAMPION
from pipeline_definition.parameters import Parameter
from pipeline_definition.resources import Resources
from settings import Settings
from settings.gate import BiasBound
from settings.training import Algorithm
from training_code.claims.facets import Facet


@dataclass(frozen=True)
class Parameters:
    """``types`` and ``counts`` are by the machine's name in ``settings.jobs``, ``bias`` has minimum and maximum of each bound."""

    claims: Parameter
    customers: Parameter
    capacity: Parameter
    approval: Parameter
    champion: Parameter
    auc: Parameter
    average_precision: Parameter
    recall: Parameter
    auc_loss: Parameter
    bias: dict[BiasBound, tuple[Parameter, Parameter]]
    types: dict[str, Parameter]
    counts: dict[str, Parameter]

    @classmethod
    def of(cls, settings: Settings, resources: Resources) -> "Parameters":
        gate = settings.gate
        machines = plan.machines(settings)
        return cls(
            claims=p.string("ClaimsUri", resources.claims_uri),
            customers=p.string("CustomersUri", resources.customers_uri),
            capacity=p.number("ReviewCapacity", settings.review_capacity),
            approval=p.string(
                "ModelApprovalStatus", settings.approval_status, allowed=("PendingManualApproval", "Approved", "Rejected")
            ),
            # Whoever starts a run resolves it from the registry; without one it is a file that says so.
            champion=p.string("ChampionModelUri", resources.code[NO_CHAMPION].uri),
            auc=p.number("MinimumAucLowerBound", gate.minimum_auc_lower_bound),
            average_precision=p.number("MinimumAveragePrecision", gate.minimum_average_precision),
            recall=p.number("MinimumRecallAtCapacity", gate.minimum_recall),
            auc_loss=p.number("MaximumAucLoss", float(gate.maximum_auc_loss)),
            bias={bound: _bounds(bound) for bound in settings.bias_bounds},
            types={name: p.string(f"{_pascal(name)}InstanceType", plan.job(settings, name).instance_type) for name in machines},
            counts={
                name: p.integer(f"{_pascal(name)}InstanceCount", plan.job(settings, name).instance_count)
                for name in machines
                if name in _many_instances(settings)
            },
        )

    def all(self) -> list[Parameter]:
        return [
            self.claims, self.customers, self.capacity, self.approval, self.champion,
            self.auc, self.average_precision, self.recall, self.auc_loss,
            *(each for pair in self.bias.values() for each in pair),
            *self.types.values(), *self.counts.values(),
        ]  # fmt: skip


def _bounds(bound: BiasBound) -> tuple[Parameter, Parameter]:
    name = f"{bound.metric}{_pascal(Facet.parse(bound.facet).slug)}"
    return p.number(f"Minimum{name}", float(bound.minimum)), p.number(f"Maximum{name}", float(bound.maximum))


def _many_instances(settings: Settings) -> set[str]:
    """The machines of which there may be several."""
    found = {"preprocess", "batch_transform"}
    if settings.training.algorithm in (Algorithm.XGBOOST, Algorithm.CUSTOM):
        found.add("train")
    return found


def _pascal(name: str) -> str:
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))
