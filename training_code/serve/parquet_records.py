"""Records out of a Parquet file with columns of any types and in any order."""

import pyarrow as pa
import pyarrow.parquet as pq

from training_code.serve import records
from training_code.serve.errors import RequestError
from training_code.serve.layout import Layout
from training_code.serve.records import Raw


def read(body: bytes, layout: Layout) -> Raw:
    """All rows of the file in ``body``.

    Raises:
        RequestError: it is none.
    """
    try:
        file = pq.ParquetFile(pa.BufferReader(body))
        table = file.read(columns=[name for name in file.schema_arrow.names if name in layout.names], use_threads=False)
    except (pa.ArrowException, OSError) as error:
        raise RequestError(f"the request is not a readable Parquet file: {str(error).splitlines()[0]}") from error
    return records.from_table(table, layout, size=file.metadata.num_rows)
