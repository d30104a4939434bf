"""The results as an RO-Crate: a file that says what each file is, for archives and other readers.

RO-Crate (https://w3id.org/ro/crate) is one JSON-LD file in the folder that it describes.
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rocrate.model import ContextEntity
from rocrate.rocrate import ROCrate

from livermets import __version__
from livermets.core.io import hash_file, write_text
from livermets.manuscript.run_files import RunFiles

NAME = "ro-crate-metadata.json"
VERSION = "1.1"  # of RO-Crate: the one that archives and validators read
FORMATS = {
    ".parquet": "application/vnd.apache.parquet",
    ".tsv": "text/tab-separated-values",
    ".json": "application/json",
    ".html": "text/html",
    ".svg": "image/svg+xml",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".txt": "text/plain",
    ".md": "text/markdown",
    ".tex": "application/x-tex",
    ".bib": "application/x-bibtex",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
}  # ending -> media type
FILES = ("*", "tables/*", "figures/*", "predictions/*", "manuscript/*")  # described one by one
FOLDERS = {
    "ct": "CTs in HU on their original grid, with the record of their acquisition",
    "segmentation": "Automatic masks of liver and lesions, as the models wrote them",
    "masks": "The masks that the study used, with their origin",
    "lesions": "Labelled lesions, their table and the measurements of the liver",
    "review": "Overlays and findings for the review of the masks",
    "radiomics": "Radiomics features of each scan",
    "models": "Fitted models, with the settings that were chosen in each split",
    "slices": "Slices of lesions for DenseNet-121",
    "exports": "Tables of the report as Word, LaTeX and TSV files",
    "audit": "What the leakage audit compared",
    "logs": "The log of every job",
    "benchmarks": "Time and memory of every job",
}  # folders of many files -> what they hold
DESCRIPTION = (
    "Results of a livermets study: from which primary tumour ({classes}) liver metastases came. "
    "{patients} patients were analysed."
)
LICENCE = "To be stated by the authors; patients' data may not be shared without their consent"


def write_crate(run: RunFiles) -> None:
    """Describe the results in `ro-crate-metadata.json`, beside them."""
    text = json.dumps(describe(run), indent=2, sort_keys=True, ensure_ascii=False)
    write_text(run.results / NAME, text + "\n")


def describe(run: RunFiles) -> dict[str, Any]:
    """Describe the results as an RO-Crate.

    Parameters
    ----------
    run : RunFiles
        The results and the configuration.

    Returns
    -------
    dict
        The JSON-LD: the files with size, media type and SHA-256, the folders, and the run that
        made them, with the workflow and its configuration.
    """
    crate = ROCrate(gen_preview=False, version=VERSION)
    made = _made(run)
    crate.name = "Results of a livermets study"
    crate.description = DESCRIPTION.format(
        classes=" or ".join(run.config["classes"]), patients=len(run.included)
    )
    crate.datePublished = made
    crate.license = crate.add(
        ContextEntity(
            crate,
            "#licence",
            properties={"@type": "CreativeWork", "name": "Licence", "description": LICENCE},
        )
    )
    files = [_add_file(crate, run.results, name) for name in described_files(run)]
    for folder, words in FOLDERS.items():
        if (run.results / folder).is_dir():
            crate.add_dataset(
                dest_path=f"{folder}/",
                properties={"name": folder, "description": words},
            )
    workflow = crate.add(
        ContextEntity(
            crate,
            "#livermets",
            properties={
                "@type": "SoftwareApplication",
                "name": "livermets",
                "softwareVersion": __version__,
                "url": "https://doi.org/10.1186/s40644-023-00612-4",
                "description": "Snakemake workflow after Tharmaseelan et al. 2023",
            },
        )
    )
    settings = crate.add(
        ContextEntity(
            crate,
            "#configuration",
            properties={
                "@type": "PropertyValue",
                "name": "configuration",
                "value": json.dumps(run.config, sort_keys=True, ensure_ascii=False),
            },
        )
    )
    action = crate.add(
        ContextEntity(
            crate,
            "#run",
            properties={
                "@type": "CreateAction",
                "name": "Run of livermets",
                "endTime": made,
            },
        )
    )
    action["instrument"] = workflow
    action["object"] = settings
    action["result"] = files
    crate.root_dataset["mentions"] = action
    metadata: dict[str, Any] = crate.metadata.generate()
    return metadata


def described_files(run: RunFiles) -> list[str]:
    """List the files of the results that are described one by one, sorted."""
    found = (path for pattern in FILES for path in run.results.glob(pattern))
    names = (path.relative_to(run.results).as_posix() for path in found if path.is_file())
    return sorted(name for name in names if name != NAME and not Path(name).name.startswith("."))


def _add_file(crate: ROCrate, results: Path, name: str) -> Any:
    path = results / name
    properties = {
        "name": name,
        "contentSize": str(path.stat().st_size),
        "sha256": hash_file(path),
    }
    if media_type := FORMATS.get(Path(name).suffix):
        properties["encodingFormat"] = media_type
    return crate.add_file(dest_path=name, properties=properties)


def _made(run: RunFiles) -> str:
    """When the metrics were written; of a study without metrics, when the cohort was."""
    names = [name for name in ("metrics.parquet", "cohort.tsv") if run.has(name)]
    seconds = (run.results / names[0]).stat().st_mtime if names else 0
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
