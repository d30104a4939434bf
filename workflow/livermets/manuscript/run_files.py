"""The files of a finished run, read by name; a file that is absent is None."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from livermets.cohort.cohort_table import read_cohort
from livermets.core.exclusion import exclusion_of
from livermets.core.io import read_json
from livermets.core.scan_ids import scan_id
from livermets.review.review_tables import ReviewTables, read_review_tables

COHORT, SCANS = "cohort.tsv", "scans.tsv"
DECISIONS = "review/decisions.tsv"
DELETED_LESIONS = "review/deleted_lesions.tsv"
AGREEMENT_OF_READERS = "review/reader_agreement.tsv"


@dataclass(frozen=True)
class RunFiles:
    """The results of a study as files.

    Parameters
    ----------
    results : Path
        The folder of the results.
    config : dict
        The whole configuration of the run.
    """

    results: Path
    config: dict[str, Any]

    def has(self, name: str) -> bool:
        """Whether the results hold this file, and it is not empty."""
        path = self.results / name
        return path.is_file() and path.stat().st_size > 0

    def table(self, name: str) -> pd.DataFrame | None:
        """Read a table, Parquet or TSV, by its name below the results; None where it is absent."""
        if not self.has(name):
            return None
        if name in (COHORT, SCANS):
            return read_cohort(self.results / name)
        if name.endswith(".parquet"):
            return pd.read_parquet(self.results / name)
        return pd.read_csv(self.results / name, sep="\t")

    def json(self, name: str) -> dict[str, Any] | None:
        """Read one JSON object by its name below the results; None where it is absent."""
        return read_json(self.results / name) if self.has(name) else None

    def names(self, pattern: str) -> list[str]:
        """List the files below the results that a pattern fits, such as `ct/*.json`, sorted."""
        found = (path for path in self.results.glob(pattern) if path.stat().st_size)
        return sorted(path.relative_to(self.results).as_posix() for path in found)

    def records(self, folder: str) -> dict[str, dict[str, Any]]:
        """Read the records of the scans that are in the study.

        Parameters
        ----------
        folder : str
            A folder of the results with one JSON file for each scan, such as `ct`.

        Returns
        -------
        dict of str to dict
            Id of the scan -> its record, without scans that are excluded, at this stage or later.
        """
        names = [name for name in self.names(f"{folder}/*.json") if Path(name).stem in self.scans]
        paths = [self.results / name for name in names]
        return {path.stem: read_json(path) for path in paths if exclusion_of(path) is None}

    @cached_property
    def cohort(self) -> pd.DataFrame | None:
        """The table of all patients, included or not."""
        return self.table(COHORT)

    @cached_property
    def included(self) -> pd.DataFrame:
        """The analysed patients; no row where there is no cohort table."""
        if self.cohort is None:
            return pd.DataFrame(columns=["patient", "label", "n_lesions"])
        return self.cohort[self.cohort["included"]]

    @cached_property
    def scans(self) -> set[str]:
        """Ids of the analysed scans: those of the patients, where the sheet lists no scans."""
        scans = self.table(SCANS)
        if scans is None:
            return set(self.included["patient"])
        used = scans[scans["included"]]
        cells = zip(used["patient"], used["scan"].fillna(""), strict=True)
        return {scan_id(patient, scan) for patient, scan in cells}

    @cached_property
    def reviews(self) -> ReviewTables | None:
        """What readers decided about the masks; None where a file of it is absent."""
        names = (DECISIONS, DELETED_LESIONS, AGREEMENT_OF_READERS)
        if not all(map(self.has, names)):
            return None
        return read_review_tables([self.results / name for name in names])

    @cached_property
    def splits(self) -> pd.DataFrame | None:
        """Split, patient and role."""
        return self.table("splits.parquet")

    @cached_property
    def metrics(self) -> pd.DataFrame | None:
        """The metrics of every arm."""
        return self.table("metrics.parquet")

    @cached_property
    def radiomics_metadata(self) -> Mapping[str, Any]:
        """Settings and versions of the extraction, from the features table; empty without one."""
        if not self.has("features.parquet"):
            return {}
        table = pd.read_parquet(self.results / "features.parquet", columns=[])
        metadata: Mapping[str, Any] = table.attrs.get("radiomics", {})
        return metadata

    @cached_property
    def features(self) -> pd.DataFrame | None:
        """The features table without columns that are empty in every row.

        pyradiomics' features of two dimensions are such columns, where lesions are measured in
        three.
        """
        table = self.table("features.parquet")
        return None if table is None else table.dropna(axis="columns", how="all")

    @property
    def from_images(self) -> bool:
        """Whether the study started from images, not from a feature table."""
        return not self.config.get("features")
