"""The study's feature table."""

from livermets.cohort.cohort_table import read_cohort
from livermets.cohort.scans_table import labels_of_scans
from livermets.core.io import write_table
from livermets.core.jobs import job
from livermets.features.embeddings_table import with_embeddings
from livermets.features.features_table import assemble_features, image_hashes

with job(snakemake):
    table = assemble_features(
        read_cohort(snakemake.input.cohort),
        snakemake.input.radiomics,
        snakemake.input.tables,
        labels_of_scans(read_cohort(snakemake.input.labels)),
        snakemake.params.clinical,
    )
    for path in snakemake.input.embeddings:  # none, or one
        table = with_embeddings(table, path)
    table.attrs["sha256"] = {kind: image_hashes(snakemake.input[kind]) for kind in ("ct", "masks")}
    write_table(snakemake.output[0], table)
