# The study's list of patients: who is included, who is not and why.
# Needs the records of results/masks and results/lesions; makes results/cohort.tsv.


rule list_cohort:
    input:
        masks=expand("results/masks/{patient}.json", patient=study.patients),
        tables=expand("results/lesions/{patient}.tsv", patient=study.patients),
        measurements=expand("results/lesions/{patient}.json", patient=study.patients),
    output:
        cohort="results/cohort.tsv",
    log:
        "results/logs/list_cohort.log",
    conda:
        "../../envs/tables.yaml"
    params:
        sheet=study.sheet_columns,
        excluded=list(study.excluded),
    message:
        "Listing who is in the study and who is not"
    script:
        "../scripts/cohort/list_cohort.py"
