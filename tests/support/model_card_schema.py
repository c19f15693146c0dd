"""What SageMaker takes as the content of a model card, as a JSON schema.

After https://docs.aws.amazon.com/sagemaker/latest/dg/model-cards.html#model-cards-json-schema
(version 0.1.0) and, for what it has beyond that, the simplified schema of a model package's
card. Where the two set different limits, the tighter one; fields of the overview that the SDK's
own classes have dropped (name, version, inference environment) are left out.
"""

from typing import Any

Schema = dict[str, Any]


def _text(longest: int) -> Schema:
    return {"type": "string", "maxLength": longest}


def _list(items: Schema, **limits: int) -> Schema:
    return {"type": "array", "items": items, **limits}


def _object(required: tuple[str, ...] = (), **properties: Schema) -> Schema:
    return {"type": "object", "additionalProperties": False, "required": list(required), "properties": properties}


def _metric(types: list[str], value: Schema, x: Schema, y: Schema) -> Schema:
    return _object(
        ("name", "type", "value"), name=_NAME, notes=_text(1024), type={"enum": types}, value=value, x_axis_name=x, y_axis_name=y
    )


_NAME = {"type": "string", "minLength": 1, "maxLength": 255}
_SHORT = {"type": "string", "minLength": 1, "maxLength": 63}
_NUMBER = {"type": "number"}
_AXIS, _AXES = _text(63), _list(_text(63))
_IMAGE = _object(container_image=_list(_text(1024), maxItems=15))
_TRAINING_METRIC = _object(("name", "value"), name=_NAME, notes=_text(1024), value=_NUMBER)
_HYPERPARAMETER = _object(("name", "value"), name=_NAME, value=_NAME)
_METRICS = [
    _metric(["number"], _NUMBER, _AXIS, _AXIS),
    _metric(["string"], _text(63), _AXIS, _AXIS),
    _metric(["boolean"], {"type": "boolean"}, _AXIS, _AXIS),
    _metric(["linear_graph"], _list(_list(_NUMBER, minItems=2, maxItems=2), minItems=1, maxItems=20), _AXIS, _AXIS),
    _metric(["bar_chart"], _list(_NUMBER, minItems=1, maxItems=20), _AXES, _AXIS),
    _metric(["matrix"], _list(_list(_NUMBER, minItems=1, maxItems=20), minItems=1, maxItems=20), _AXES, _AXES),
]

SCHEMA: Schema = _object(
    model_overview=_object(
        model_description=_text(1024), model_owner=_text(1024), model_creator=_text(1024), problem_type={"type": "string"},
        algorithm_type=_text(1024), model_artifact=_list(_text(1024), maxItems=15),
    ),
    intended_uses=_object(
        purpose_of_model=_text(2048), intended_uses=_text(2048), factors_affecting_model_efficiency=_text(2048),
        risk_rating={"enum": ["High", "Medium", "Low", "Unknown"]}, explanations_for_risk_rating=_text(2048),
    ),
    business_details=_object(business_problem=_text(2048), business_stakeholders=_text(2048), line_of_business=_text(2048)),
    training_details=_object(
        training_observations=_text(1024),
        training_job_details=_object(
            training_arn=_text(1024), training_datasets=_list(_text(1024), maxItems=15), training_environment=_IMAGE,
            training_metrics=_list(_TRAINING_METRIC, maxItems=50), user_provided_training_metrics=_list(_TRAINING_METRIC, maxItems=50),
            hyper_parameters=_list(_HYPERPARAMETER, maxItems=100), user_provided_hyper_parameters=_list(_HYPERPARAMETER, maxItems=100),
        ),
    ),
    evaluation_details=_list(
        _object(
            ("name",), name=_SHORT, evaluation_observation=_text(2096), evaluation_job_arn=_text(256),
            datasets=_list(_text(1024), maxItems=10), metadata={"type": "object", "additionalProperties": _text(1024)},
            metric_groups=_list(_object(("name", "metric_data"), name=_SHORT, metric_data=_list({"anyOf": _METRICS}))),
        )
    ),
    additional_information=_object(
        ethical_considerations=_text(2048), caveats_and_recommendations=_text(2048),
        custom_details={"type": "object", "additionalProperties": _text(1024)},
    ),
)  # fmt: skip
