"""SageMaker's types, and collections."""

import json
import uuid
from typing import Any

from moto.core.responses import ActionResult
from moto.sagemaker.models import SageMakerModelBackend, sagemaker_backends
from moto.sagemaker.responses import SageMakerResponse

from tests.deployment.emulated_account.calls import members
from tests.deployment.emulated_account.resource import Resource
from tests.deployment.emulated_account.resource import install as install_type


def install() -> None:
    for kind in (ModelPackageGroup, Pipeline, Collection):
        install_type(kind)
    _delete_packages()
    _keep_group_policies()
    _start_once_per_token()
    _run_and_fail_by_name()


class ModelPackageGroup(Resource):
    type = "AWS::SageMaker::ModelPackageGroup"
    name = "ModelPackageGroupName"
    returns = ("ModelPackageGroupArn", "ModelPackageGroupStatus", "CreationTime")

    def create(self, properties: dict[str, Any], name: str) -> None:
        made = self.client("sagemaker").create_model_package_group(**members("sagemaker", "CreateModelPackageGroup", properties))
        self.physical_id = made["ModelPackageGroupArn"]
        self.attributes = {"ModelPackageGroupArn": self.physical_id, "ModelPackageGroupStatus": "Completed"}
        self.update(properties)

    def update(self, properties: dict[str, Any]) -> None:
        if policy := properties.get("ModelPackageGroupPolicy"):
            name = self.physical_id.split("/")[1]
            self.client("sagemaker").put_model_package_group_policy(ModelPackageGroupName=name, ResourcePolicy=json.dumps(policy))

    def delete(self, properties: dict[str, Any]) -> None:
        backend = sagemaker_backends[self.account][self.region]
        name = self.physical_id.split("/")[1]
        if any(package.model_package_group_name == name for package in backend.model_packages.values()):
            raise ValueError(f"Model Package Group cannot be deleted because it still contains Model Packages: {name}")
        backend.model_package_groups.pop(name)


class Pipeline(Resource):
    type = "AWS::SageMaker::Pipeline"
    name = "PipelineName"

    def create(self, properties: dict[str, Any], name: str) -> None:
        self.physical_id = properties["PipelineName"]
        self.client("sagemaker").create_pipeline(ClientRequestToken=str(uuid.uuid4()), **_request(properties, "CreatePipeline"))

    def update(self, properties: dict[str, Any]) -> None:
        self.client("sagemaker").update_pipeline(**_request(properties, "UpdatePipeline"))

    def delete(self, properties: dict[str, Any]) -> None:
        self.client("sagemaker").delete_pipeline(PipelineName=self.physical_id, ClientRequestToken=str(uuid.uuid4()))


def _request(properties: dict[str, Any], operation: str) -> dict[str, Any]:
    body = properties["PipelineDefinition"]["PipelineDefinitionBody"]
    json.loads(body)
    request = members("sagemaker", operation, properties) | {"PipelineDefinition": body}
    if limits := request.get("ParallelismConfiguration"):
        # Numbers come as text out of a template.
        request["ParallelismConfiguration"] = {key: int(value) for key, value in limits.items()}
    return request


class Collection(Resource):
    type = "AWS::ResourceGroups::Group"
    name = "Name"
    returns = ("Arn",)

    def create(self, properties: dict[str, Any], name: str) -> None:
        query = properties["ResourceQuery"]
        made = self.client("resource-groups").create_group(
            Name=properties["Name"],
            ResourceQuery={"Type": query["Type"], "Query": json.dumps(query["Query"])},
            Tags={tag["Key"]: tag["Value"] for tag in properties.get("Tags", ())},
        )
        self.physical_id = properties["Name"]
        self.attributes = {"Arn": made["Group"]["GroupArn"]}

    def delete(self, properties: dict[str, Any]) -> None:
        self.client("resource-groups").delete_group(GroupName=self.physical_id)


def _delete_packages() -> None:
    """An action that moto does not have."""

    def delete_model_package(self: Any) -> ActionResult:
        arn = self._get_param("ModelPackageName")
        backend = self.sagemaker_backend
        backend.model_packages.pop(arn)
        backend.model_package_name_mapping = {
            name: other for name, other in backend.model_package_name_mapping.items() if other != arn
        }
        return ActionResult({})

    SageMakerResponse.delete_model_package = delete_model_package


def _keep_group_policies() -> None:
    """Two actions that moto does not have."""
    policies: dict[tuple[str, str, str], str] = {}

    def _group(self: Any) -> tuple[str, str, str]:
        return self.sagemaker_backend.account_id, self.sagemaker_backend.region_name, self._get_param("ModelPackageGroupName")

    def put_model_package_group_policy(self: Any) -> ActionResult:
        policies[_group(self)] = self._get_param("ResourcePolicy")
        return ActionResult({"ModelPackageGroupArn": self.sagemaker_backend.model_package_groups[_group(self)[2]].arn})

    def get_model_package_group_policy(self: Any) -> ActionResult:
        return ActionResult({"ResourcePolicy": policies[_group(self)]})

    SageMakerResponse.put_model_package_group_policy = put_model_package_group_policy
    SageMakerResponse.get_model_package_group_policy = get_model_package_group_policy


def _start_once_per_token() -> None:
    """moto starts another execution each time."""
    start = SageMakerModelBackend.start_pipeline_execution

    def started(self: Any, pipeline_name: str, *others: Any) -> dict[str, str]:
        token = others[-1]
        if pipeline_name in self.pipelines:
            for arn, execution in self.pipelines[pipeline_name].pipeline_executions.items():
                if execution.client_request_token == token:
                    return {"PipelineExecutionArn": arn}
        found: dict[str, str] = start(self, pipeline_name, *others)
        return found

    SageMakerModelBackend.start_pipeline_execution = started


def _run_and_fail_by_name() -> None:
    """moto's have all succeeded at once. Here one that is called `fails` fails, and one called `lasts` runs until it is stopped."""
    statuses = {"fails": "Failed", "lasts": "Executing"}
    start = SageMakerModelBackend.start_pipeline_execution

    def started(self: Any, pipeline_name: str, display_name: str, *others: Any) -> dict[str, str]:
        found: dict[str, str] = start(self, pipeline_name, display_name, *others)
        execution = self.pipelines[pipeline_name].pipeline_executions[found["PipelineExecutionArn"]]
        execution.pipeline_execution_status = statuses.get(display_name, execution.pipeline_execution_status)
        return found

    def _execution(self: Any) -> Any:
        arn = self._get_param("PipelineExecutionArn")
        return self.sagemaker_backend.pipelines[arn.split("/")[1]].pipeline_executions[arn]

    def stop_pipeline_execution(self: Any) -> ActionResult:
        _execution(self).pipeline_execution_status = "Stopped"
        return ActionResult({"PipelineExecutionArn": self._get_param("PipelineExecutionArn")})

    def list_pipeline_execution_steps(self: Any) -> ActionResult:
        failed = {"StepName": "Reject", "StepStatus": "Failed", "FailureReason": "The model did not pass the quality gate"}
        return ActionResult({"PipelineExecutionSteps": [{"StepName": "Train", "StepStatus": "Succeeded"}, failed]})

    SageMakerModelBackend.start_pipeline_execution = started
    SageMakerResponse.stop_pipeline_execution = stop_pipeline_execution
    SageMakerResponse.list_pipeline_execution_steps = list_pipeline_execution_steps
