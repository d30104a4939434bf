# livermets: from CT scans to the evidence.
#
# Everything is written below results/ in the study's folder:
#   ct, segmentation, masks, review, lesions     one file per patient
#   radiomics/{patient}/{lesion}.parquet         one per lesion -> features.parquet
#   splits.parquet                               who trains, validates and tests, patient-wise
#   models/{arm}, predictions/{arm}.parquet      arm = {model}-{resampling}, baseline_*, densenet121
#                                                and {model}-none@{feature sets to compare}
#   metrics.parquet, tables, figures -> report.html
#
# The study's folder is the working directory: `snakemake --cores 4 --directory my-study`.
from snakemake.utils import min_version

min_version("9.0")


configfile: "config/config.yaml"


report: "workflow/report/workflow.rst"


include: "workflow/common.smk"
include: "workflow/rules/phantoms.smk"
include: "workflow/rules/imaging.smk"
include: "workflow/rules/segmentation.smk"
include: "workflow/rules/review.smk"
include: "workflow/rules/segmentation_training.smk"
include: "workflow/rules/lesions.smk"
include: "workflow/rules/radiomics.smk"
include: "workflow/rules/splits.smk"
include: "workflow/rules/classification.smk"
include: "workflow/rules/deep_learning.smk"
include: "workflow/rules/audit.smk"
include: "workflow/rules/evaluation.smk"
include: "workflow/rules/sensitivity_reruns.smk"
include: "workflow/rules/sensitivity_label_permutation.smk"
include: "workflow/rules/sensitivity_uncorrected_masks.smk"
include: "workflow/rules/report.smk"


rule all:
    default_target: True
    input:
        "results/report.html",


# Stop early on purpose: `snakemake review` (then correct the masks), `snakemake features`.
rule review:
    input:
        "results/review/index.html",


rule features:
    input:
        "results/features.parquet",
        [] if FROM_FEATURES else "results/radiomics_dictionary.tsv",


rule segmentation_model:
    input:
        "results/segmentation_model.zip",


# An edit of a module reruns the rules whose scripts import it, directly or not.
add_code_digests(workflow.rules)
