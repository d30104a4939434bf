"""What the radiomics columns of the features table mean, and where each IBSI tag is found."""

import csv
from collections.abc import Iterable

from livermets.core.jobs import job
from livermets.radiomics import ibsi
from livermets.radiomics.dictionary import COLUMNS, dictionary
from livermets.radiomics.feature_sets import feature_sets

extraction = snakemake.params.extraction


def write(path: str, columns: tuple[str, ...], rows: Iterable[dict]) -> None:
    with open(path, "w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, columns, delimiter="\t", lineterminator="\n")
        table.writeheader()
        table.writerows(rows)


with job(snakemake):
    write(snakemake.output.features, COLUMNS, dictionary(feature_sets(**extraction)))
    write(snakemake.output.tags, ibsi.COLUMNS, ibsi.table())
