"""A user's own feature table, checked."""

from livermets.core.io import write_table
from livermets.core.jobs import job
from livermets.features.embeddings_table import with_embeddings
from livermets.features.user_table import read_features

with job(snakemake):
    params = snakemake.params
    table = read_features(
        snakemake.input.table,
        params.columns,
        params.classes,
        params.on_bad_cell,
        params.exclude,
        params.label_of,
    )
    for path in snakemake.input.embeddings:  # none, or one
        table = with_embeddings(table, path)
    write_table(snakemake.output[0], table)
