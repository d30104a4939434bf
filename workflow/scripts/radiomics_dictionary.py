"""What the radiomics columns of the features table mean."""

import csv

from livermets.radiomics_dictionary import COLUMNS, dictionary
from livermets.radiomics_sets import feature_sets
from livermets.runtime import job

extraction = {key: snakemake.params[key] for key in ("settings", "classes", "sets")}
with (
    job(snakemake.log, "radiomics dictionary"),
    open(snakemake.output[0], "w", newline="", encoding="utf-8") as file,
):
    table = csv.DictWriter(file, COLUMNS, delimiter="\t", lineterminator="\n")
    table.writeheader()
    table.writerows(dictionary(feature_sets(**extraction)))
