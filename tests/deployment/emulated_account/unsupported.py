"""What moto would pass over in silence is an error here."""

from typing import Any

from moto.cloudformation import models, parsing


def install() -> None:
    _refuse_unknown_types()
    _refuse_updates_that_are_not_made()
    _refuse_deletions_that_are_not_made()
    _name_what_failed()
    _answer_failed_updates_once()


def _refuse_unknown_types() -> None:
    find = parsing.resource_class_from_type

    def found(resource_type: str) -> Any:
        kind = find(resource_type)
        if kind is None and resource_type not in parsing.NULL_MODELS:
            raise parsing.ValidationError(message=f"Template format error: Unrecognized resource types: [{resource_type}]")
        return kind

    parsing.resource_class_from_type = found


def _refuse_updates_that_are_not_made() -> None:
    update = parsing.parse_and_update_resource

    def updated(logical_id: str, resource_json: Any, resources_map: Any, account_id: str, region_name: str) -> Any:
        made = update(logical_id, resource_json, resources_map, account_id, region_name)
        if made is None:
            raise parsing.ValidationError(message=f"the emulation cannot update {logical_id} ({resource_json['Type']})")
        return made

    parsing.parse_and_update_resource = updated


def _refuse_deletions_that_are_not_made() -> None:
    delete = parsing.ResourceMap._delete_resource

    def deleted(self: Any, parsed_resource: Any, resource_json: Any) -> None:
        has_own = hasattr(parsed_resource, "delete")
        kind = parsing.resource_class_from_type(resource_json["Type"])
        if not has_own and hasattr(kind.delete_from_cloudformation_json, "__isabstractmethod__"):
            raise parsing.ValidationError(message=f"the emulation cannot delete {resource_json['Type']}")
        delete(self, parsed_resource, resource_json)

    parsing.ResourceMap._delete_resource = deleted


def _name_what_failed() -> None:
    """A KeyError on the way would read as "the resource is not in the template"."""
    create = parsing.parse_and_create_resource

    def created(logical_id: str, resource_json: Any, resources_map: Any, account_id: str, region_name: str) -> Any:
        try:
            return create(logical_id, resource_json, resources_map, account_id, region_name)
        except KeyError as error:
            text = f"{logical_id} ({resource_json['Type']}) could not be made: KeyError {error}"
            raise parsing.ValidationError(message=text) from error

    parsing.parse_and_create_resource = created


def _answer_failed_updates_once() -> None:
    """A fault of ours would be retried by the CLI, find nothing to update, and look like a success."""
    update = models.Stack.update

    def updated(self: Any, template: str, *args: Any, **kwargs: Any) -> None:
        before = self.template
        try:
            update(self, template, *args, **kwargs)
        except Exception as error:
            self.template = before
            self.status = "UPDATE_ROLLBACK_COMPLETE"
            raise parsing.ValidationError(message=str(getattr(error, "message", error))) from error

    models.Stack.update = updated
