"""One patient's CT to int16 HU on its original grid, with a record of its acquisition."""

from livermets.core.errors import NotIncluded
from livermets.core.exclusion import exclude_or_stop
from livermets.core.jobs import job
from livermets.imaging.ct import import_ct, refuse_other_slice_count
from livermets.imaging.inclusion import unmet_criteria
from livermets.imaging.volumes import write_image


def step() -> dict:
    patient = snakemake.wildcards.scan
    image, record = import_ct(
        snakemake.params.source, patient, snakemake.params.resample_tilt, snakemake.params.check_hu
    )
    refuse_other_slice_count(record["n_slices"], snakemake.params.n_slices, patient)
    if reasons := unmet_criteria(record, snakemake.params.inclusion):
        raise NotIncluded(
            patient, "; ".join(reasons), "Change `imaging.inclusion` to include this CT"
        )
    write_image(snakemake.output.ct, image)
    return record


with job(snakemake):
    exclude_or_stop(
        "import",
        step,
        policy=snakemake.params.on_bad_patient,
        outputs=[snakemake.output.ct],
        record=snakemake.output.record,
    )
