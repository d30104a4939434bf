# Negative control `shuffled_labels`: the whole classification once more, with labels dealt at
# random to patients. Needs results/features.parquet and results/cohort.tsv; makes
# results/controls/shuffled_labels with the same files as the study, down to its metrics.

SHUFFLED = "results/controls/shuffled_labels"
DENSENET = [arm for arm in own_arms() if arm == "densenet121"]
# a given division and sites do not know of dealt labels: a class may be absent there
SHUFFLED_SPLITS = schemes.split_names(
    config["splits"]["holdout"], config["splits"]["cv"]
)


rule shuffle_labels:
    input:
        features="results/features.parquet",
        cohort="results/cohort.tsv",
        # a leak that stops the study stops it before this
        audit="results/audit/data.json",
    output:
        features=f"{SHUFFLED}/features.parquet",
        cohort=f"{SHUFFLED}/cohort.tsv",
    log:
        "results/logs/shuffle_labels.log",
    conda:
        "../../envs/report.yaml"
    params:
        seed=config["seed"],
    message:
        "Dealing the labels to patients at random"
    script:
        "../scripts/sensitivity/permute_labels.py"


use rule divide as divide_shuffled with:
    input:
        cohort=f"{SHUFFLED}/cohort.tsv",
    output:
        f"{SHUFFLED}/splits.parquet",
    log:
        "results/logs/divide_shuffled.log",
    params:
        **dict(config["splits"], given=False, site=None),
        names=SHUFFLED_SPLITS,
        seed=config["seed"],
        classes=config["classes"],
    message:
        "Dividing the patients by the dealt labels"


use rule train_densenet as train_densenet_shuffled with:
    input:
        slices=expand("results/slices/{patient}.npz", patient=PATIENTS),
        cohort=f"{SHUFFLED}/cohort.tsv",
        splits=f"{SHUFFLED}/splits.parquet",
    output:
        model=temp(f"{SHUFFLED}/models/densenet121/{{split}}/model.pt"),
        history=f"{SHUFFLED}/models/densenet121/{{split}}/history.tsv",
        predictions=f"{SHUFFLED}/models/densenet121/{{split}}/predictions.parquet",
    log:
        "results/logs/train_densenet_shuffled/{split}.log",
    benchmark:
        "results/benchmarks/train_densenet_shuffled/{split}.tsv"
    message:
        "Training DenseNet-121 on dealt labels, split {wildcards.split}"


use rule gather_densenet as gather_densenet_shuffled with:
    input:
        expand(
            f"{SHUFFLED}/models/densenet121/{{split}}/predictions.parquet",
            split=SHUFFLED_SPLITS,
        ),
    output:
        f"{SHUFFLED}/predictions/densenet121.parquet",
    log:
        "results/logs/gather_densenet_shuffled.log",
    message:
        "Gathering DenseNet-121's predictions of dealt labels"


use rule evaluate as evaluate_shuffled with:
    input:
        predictions=expand(
            f"{SHUFFLED}/predictions/{{arm}}.parquet", arm=ARMS_AGAIN + DENSENET
        ),
        splits=f"{SHUFFLED}/splits.parquet",
    output:
        metrics=f"{SHUFFLED}/metrics.parquet",
        differences=f"{SHUFFLED}/differences.parquet",
        confusion=f"{SHUFFLED}/confusion.parquet",
    log:
        "results/logs/evaluate_shuffled.log",
    benchmark:
        "results/benchmarks/evaluate_shuffled.tsv"
    message:
        "Measuring every arm on dealt labels"
