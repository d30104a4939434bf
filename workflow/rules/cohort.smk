# The study's list of patients: who is included, who is not and why.
# Needs the records of results/masks and results/lesions; makes results/cohort.tsv
# and, where the sheet lists several scans of a patient, results/scans.tsv.


rule list_cohort:
    input:
        masks=expand("results/masks/{scan}.json", scan=study.scans),
        tables=expand("results/lesions/{scan}.tsv", scan=study.scans),
        measurements=expand("results/lesions/{scan}.json", scan=study.scans),
    output:
        cohort="results/cohort.tsv",
        scans=study.scans_table,
    log:
        "results/logs/list_cohort.log",
    benchmark:
        "results/benchmarks/list_cohort.tsv"
    conda:
        "../../envs/tables.yaml"
    params:
        sheet=study.sheet_columns,
        excluded=list(study.excluded),
    message:
        "Listing who is in the study and who is not"
    script:
        "../scripts/cohort/list_cohort.py"
