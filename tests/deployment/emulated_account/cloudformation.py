"""CloudFormation's own behaviour where moto's differs."""

import json
from typing import Any

from moto.cloudformation import models, parsing
from moto.iam import models as iam

from tests.deployment.emulated_account import calls


def install() -> None:
    _export_from_change_sets()
    _keep_defaults_on_update()
    _forget_outputs_of_deleted_stacks()
    _manage_policies()
    _ignore_unknown_change_sets()
    _delete_whole_stacks()


def _export_from_change_sets() -> None:
    """Exports are seen by, and made by, stacks that come from a change set."""
    create, execute = models.CloudFormationBackend.create_change_set, models.CloudFormationBackend.execute_change_set

    def created(self: Any, *args: Any, **kwargs: Any) -> tuple[str, str]:
        change_set, stack_id = create(self, *args, **kwargs)
        stack = self.stacks[stack_id]
        stack.cross_stack_resources = stack.resource_map.cross_stack_resources = self.exports
        return change_set, stack_id

    def executed(self: Any, change_set_name: str, stack_name: str | None = None) -> None:
        execute(self, change_set_name, stack_name)
        found = self.change_sets.get(change_set_name) or next(
            change for change in reversed(self.change_sets.values()) if change.change_set_name == change_set_name
        )
        stack = self.stacks[found.stack_id]
        stack.template = found.template
        stack._parse_template()
        stack.output_map = stack._create_output_map()
        for each in self.stacks.values():
            self.exports.update({export.name: export for export in each.exports})

    models.CloudFormationBackend.create_change_set = created
    models.CloudFormationBackend.execute_change_set = executed


def _keep_defaults_on_update() -> None:
    """The previous value of a parameter that was never given is its default."""

    def resolved(self: Any, instance: Any, incoming_params: list[dict[str, Any]]) -> dict[str, str]:
        found = {}
        for parameter in incoming_params:
            name = parameter["ParameterKey"]
            if not parameter.get("UsePreviousValue"):
                found[name] = parameter["ParameterValue"]
            elif name in instance.parameters:
                found[name] = instance.parameters[name]
        return found

    models.CloudFormationBackend._resolve_update_parameters = resolved


def _forget_outputs_of_deleted_stacks() -> None:
    """To describe a deleted stack evaluates its outputs, which would make its resources again."""
    delete = models.Stack.delete

    def deleted(self: Any) -> None:
        self.output_map._output_json_map = {}
        self.output_map._parsed_outputs = {}
        delete(self)

    models.Stack.delete = deleted


def _manage_policies() -> None:
    """moto can neither change a stack's managed policies nor take them away."""

    def updated(
        cls: Any, original_resource: Any, new_resource_name: str, cloudformation_json: Any, account_id: str, region_name: str
    ) -> Any:
        document = json.dumps(cloudformation_json["Properties"]["PolicyDocument"])
        calls.client("iam", account_id, region_name).create_policy_version(
            PolicyArn=original_resource.arn, PolicyDocument=document, SetAsDefault=True
        )
        return original_resource

    def deleted(cls: Any, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str) -> None:
        backend = iam.iam_backends[account_id]["aws"]
        policy = backend.managed_policies.pop(resource_name, None)
        for role in backend.roles.values():
            if policy is not None:
                role.managed_policies.pop(policy.arn, None)

    iam.ManagedPolicy.update_from_cloudformation_json = classmethod(updated)
    iam.ManagedPolicy.delete_from_cloudformation_json = classmethod(deleted)


def _ignore_unknown_change_sets() -> None:
    """To delete one that is not there is no error."""
    delete = models.CloudFormationBackend.delete_change_set

    def deleted(self: Any, change_set_name: str) -> None:
        known = {change.change_set_name for change in self.change_sets.values()} | set(self.change_sets)
        if change_set_name in known:
            delete(self, change_set_name)

    models.CloudFormationBackend.delete_change_set = deleted


def _delete_whole_stacks() -> None:
    """moto forgets a stack before it has deleted it, deletes protected ones, and exports that others import."""

    def deleted(self: Any, name_or_stack_id: str) -> None:
        stack = next((each for each in self.stacks.values() if name_or_stack_id in (each.name, each.stack_id)), None)
        if stack is None:
            return
        if stack.enable_termination_protection:
            raise parsing.ValidationError(message=f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled")
        exports = [export.name for export in stack.exports]
        for other in self.stacks.values():
            imported = [name for name in exports if f'"Fn::ImportValue": "{name}"' in json.dumps(other.template_dict)]
            if other is not stack and imported:
                raise parsing.ValidationError(message=f"Export {imported[0]} cannot be deleted as it is in use by {other.name}")
        try:
            stack.delete()
        except Exception as error:
            stack.status = "DELETE_FAILED"
            raise parsing.ValidationError(message=str(getattr(error, "message", error))) from error
        self.deleted_stacks[stack.stack_id] = self.stacks.pop(stack.stack_id)
        for name in exports:
            self.exports.pop(name, None)

    models.CloudFormationBackend.delete_stack = deleted
