# CT import: a DICOM folder, NIfTI or NRRD becomes int16 HU on its original grid.
# Needs the cohort sheet; makes results/ct/{scan}.nii.gz and the record of its acquisition.


rule import_ct:
    input:
        by_scan(study.source, "ct"),
    output:
        ct="results/ct/{scan}.nii.gz",
        record="results/ct/{scan}.json",
    log:
        "results/logs/import_ct/{scan}.log",
    benchmark:
        "results/benchmarks/import_ct/{scan}.tsv"
    conda:
        "../../envs/images.yaml"
    resources:
        mem_mb=scaled(3000),
    params:
        source=by_scan(study.listed, "ct"),
        n_slices=by_scan(study.cell, "n_slices"),
        on_bad_patient=config["on_bad_patient"],
        resample_tilt=config["imaging"]["resample_tilt"],
        check_hu=config["imaging"]["check_hu"],
        inclusion=config["imaging"]["inclusion"],
    message:
        "Reading the CT of {wildcards.scan}"
    script:
        "../scripts/imaging/import_ct.py"
