# Negative control: the selected arm trained on many permutations of the labels.
# Needs results/features.parquet, results/splits.parquet and results/models/selected/chosen.tsv;
# makes results/permutation_test.json.


rule permutation_test:
    input:
        features="results/features.parquet",
        splits="results/splits.parquet",
        chosen="results/models/selected/chosen.tsv",
        icc=study.icc,
    output:
        "results/permutation_test.json",
    log:
        "results/logs/permutation_test.log",
    benchmark:
        "results/benchmarks/permutation_test.tsv"
    conda:
        "../../envs/classifiers.yaml"
    threads: 4
    resources:
        mem_mb=scaled(4000),
    params:
        **study.task,
        **study.feature_choice,
        settings=study.training,
        permutations=config["evaluation"]["permutations"],
        seed=config["seed"],
    message:
        "Training the selected arm on {params.permutations} permutations of the labels"
    script:
        "../scripts/sensitivity/permutation_test.py"
