# livermets: from CT scans to the evidence.
#
# Everything is written below results/ in the study's folder:
#   ct, segmentation, masks, lesions             one file or a few per scan; {scan} is the patient,
#                                                or patient@scan where the sheet lists scans
#   review, agreement, agreement.tsv             review pages, worklist and what readers decided;
#                                                automatic against final masks
#   cohort.tsv, scans.tsv                        patients (and scans) that are included or excluded
#   radiomics/{scan}/{lesion}.parquet            one per lesion, or {scan}.parquet per scan
#   radiomics_dictionary.tsv, ibsi_tags.tsv      the meaning of each feature
#   features.parquet                             the table that classifiers learn from
#   robustness, robustness.svg, icc.parquet,     stability of features under perturbation
#   icc_by_size.parquet
#   splits.parquet                               who trains, validates and tests, patient-wise
#   slices                                       images of lesions for DenseNet-121
#   models/{arm}, predictions/{arm}.parquet      arm = {model}-{resampling}, baseline_*, densenet121
#                                                and {model}-none@{feature sets to compare}
#   attention                                    how much each lesion of a patient counts
#   fusion                                       what the stacking of radiomics and DenseNet-121
#                                                learned from, and its weights
#   importance.parquet                           permutation importance of the features
#   metrics, differences, confusion, split_aucs  the evaluation of every arm (.parquet)
#   heterogeneity                                how unlike the lesions of a patient are, by class
#   explanation                                  what the models looked at, and which lesion decided
#   by_size.parquet, by_size.json                every arm on the lesions of one size
#   audit, audit.json                            the leakage audit
#   permutation_test.json                        negative control: labels permuted many times
#   permuted_labels                              negative control: the classification once more
#   uncorrected, mask_comparison                 the study without corrections, and what differs
#   tables, figures, report.html                 the report
#   exports                                      its tables for a paper: Word, LaTeX, TSV
#   manuscript                                   the methods section of a paper, and checklists
#   ro-crate-metadata.json                       what each file of the results is (RO-Crate)
#   segmentation_model.zip, .trained_on.txt      a model trained on the cohort, when asked for
#   logs, benchmarks, run_times.tsv              log, time and memory of each job and stage
#   failures.tsv                                 what failed in the last run, who is excluded
#
# The study's folder is the working directory: `snakemake --cores 4 --directory my-study`.
from snakemake.utils import min_version

min_version("9.0")


configfile: "config/config.yaml"


report: "workflow/report/workflow.rst"


include: "workflow/common.smk"


# A study starts from images, or from a feature table that the user has already.
if study.has_images:

    include: "workflow/rules/phantoms.smk"
    include: "workflow/rules/imaging.smk"
    include: "workflow/rules/segmentation_models.smk"
    include: f"workflow/rules/segmentation_{study.segmentation_jobs}.smk"
    include: "workflow/rules/segmentation_training.smk"
    include: "workflow/rules/masks.smk"
    include: "workflow/rules/lesions.smk"
    include: "workflow/rules/review.smk"
    include: "workflow/rules/cohort.smk"
    include: f"workflow/rules/radiomics_per_{config['radiomics']['fan_out']}.smk"
    include: "workflow/rules/radiomics_dictionary.smk"
    include: "workflow/rules/radiomics_robustness.smk"
    include: "workflow/rules/features.smk"

else:

    include: "workflow/rules/features_user_table.smk"


include: "workflow/rules/splits.smk"
include: "workflow/rules/classification.smk"


if study.deep_learning:

    include: "workflow/rules/deep_learning.smk"
    include: "workflow/rules/pooling_slices.smk"


include: "workflow/rules/pooling.smk"


if config["fusion"]["stacking"]:

    include: "workflow/rules/fusion_stacking.smk"


if config["fusion"]["embeddings_beside_radiomics"]:

    include: "workflow/rules/fusion_embeddings.smk"


if study.config["heterogeneity"] is not None:

    include: "workflow/rules/heterogeneity.smk"


if study.config["explanation"] is not None:

    include: "workflow/rules/explanation.smk"


if study.config["explanation"] is not None and study.deep_learning:

    include: "workflow/rules/explanation_network.smk"


include: "workflow/rules/audit.smk"
include: "workflow/rules/evaluation.smk"


# Sensitivity analyses: the classification once more, with permuted labels or uncorrected masks.
if study.permutes_labels or study.scans_with_two_masks:

    include: "workflow/rules/sensitivity_reruns.smk"


if study.tests_by_permutation:

    include: "workflow/rules/sensitivity_permutation_test.smk"


if study.permutes_labels:

    include: "workflow/rules/sensitivity_permuted_labels.smk"


if study.scans_with_two_masks:

    include: "workflow/rules/sensitivity_uncorrected_masks.smk"


include: "workflow/rules/report.smk"
include: "workflow/rules/manuscript.smk"


rule all:
    default_target: True
    input:
        "results/report.html",
        "results/exports",
        rules.write_methods.output,
        rules.fill_checklists.output,
        rules.describe_results.output,


# Stop early on purpose: `snakemake review` (then correct the masks), `snakemake features`.
rule review:
    input:
        "results/review/index.html",
        "results/review/niivue.umd.js" if study.has_images else [],
        expand("results/review/{scan}.view.html", scan=study.scans),


rule features:
    input:
        "results/features.parquet",
        "results/radiomics_dictionary.tsv" if study.has_images else [],


rule segmentation_model:
    input:
        "results/segmentation_model.zip",
        "results/segmentation_model.trained_on.txt",


# An edit of a module reruns the rules whose scripts import it, directly or not.
add_code_digests(workflow.rules)
