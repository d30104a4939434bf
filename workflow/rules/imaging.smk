# CT import: a DICOM folder, NIfTI or NRRD becomes int16 HU on its original grid.
# Needs the cohort sheet; makes results/ct/{patient}.nii.gz and the record of its acquisition.


rule import_ct:
    input:
        by_patient(study.source, "ct"),
    output:
        ct="results/ct/{patient}.nii.gz",
        record="results/ct/{patient}.json",
    log:
        "results/logs/import_ct/{patient}.log",
    benchmark:
        "results/benchmarks/import_ct/{patient}.tsv"
    conda:
        "../../envs/images.yaml"
    resources:
        mem_mb=scaled(3000),
    params:
        source=by_patient(study.listed, "ct"),
        n_slices=by_patient(study.cell, "n_slices"),
        on_bad_patient=config["on_bad_patient"],
        resample_tilt=config["imaging"]["resample_tilt"],
        check_hu=config["imaging"]["check_hu"],
        inclusion=config["imaging"]["inclusion"],
    message:
        "Reading the CT of {wildcards.patient}"
    script:
        "../scripts/imaging/import_ct.py"
