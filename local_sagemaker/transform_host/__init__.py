"""What stands for the service's agent and the container's server in a batch transform job.

The job's process runs this folder with the interpreter of the image's
runtime: ``python …/transform_host SPEC MODEL_FOLDER CODE_FOLDER``. Standard
library only, but for the default handlers, which use what the image has.

SPEC is a JSON file:

    objects        [[key, file], …] to read, each by itself
    output         folder for ``key.out``; one appears when its object is whole
    failure        file for the reason of a failure
    program        module in the code folder that has the handlers
    split, join, is_multi_record, max_payload_bytes, is_assembled_by_line, is_gzip, content_type, accept,
    input_filter, output_filter, timeout_seconds
"""
