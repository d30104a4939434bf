# What a reader needs to judge a mask: overlays, warnings, files for 3D Slicer and a worklist; and
# how far corrections went.
# Needs results/ct, results/masks and results/lesions; makes results/review and results/agreement.tsv.


rule draw_overlay:
    input:
        ct="results/ct/{scan}.nii.gz",
        acquisition="results/ct/{scan}.json",
        mask="results/masks/{scan}.nii.gz",
        record="results/masks/{scan}.json",
        lesions="results/lesions/{scan}.nii.gz",
    output:
        report(
            "results/review/{scan}.png",
            caption="../report/overlay.rst",
            category="Masks",
            labels={"patient": "{scan}"},
        ),
    log:
        "results/logs/draw_overlay/{scan}.log",
    benchmark:
        "results/benchmarks/draw_overlay/{scan}.tsv"
    conda:
        "../../envs/images.yaml"
    resources:
        mem_mb=scaled(3000),
    message:
        "Drawing the mask of {wildcards.scan} over the CT"
    script:
        "../scripts/review/draw_overlay.py"


rule check_mask:
    input:
        ct="results/ct/{scan}.nii.gz",
        mask="results/masks/{scan}.nii.gz",
        record="results/masks/{scan}.json",
        table="results/lesions/{scan}.tsv",
        measurements="results/lesions/{scan}.json",
        acquisition="results/ct/{scan}.json",
    output:
        segmentation="results/review/{scan}.seg.nrrd",
        findings="results/review/{scan}.json",
    log:
        "results/logs/check_mask/{scan}.log",
    benchmark:
        "results/benchmarks/check_mask/{scan}.tsv"
    conda:
        "../../envs/images.yaml"
    resources:
        mem_mb=scaled(3000),
    message:
        "Checking the mask of {wildcards.scan}"
    script:
        "../scripts/review/check_mask.py"


rule copy_viewer:
    output:
        "results/review/niivue.umd.js",
    log:
        "results/logs/copy_viewer.log",
    benchmark:
        "results/benchmarks/copy_viewer.tsv"
    conda:
        "../../envs/tables.yaml"
    message:
        "Putting the viewer beside the review pages"
    script:
        "../scripts/review/copy_viewer.py"


rule render_review_page:
    input:
        ct="results/ct/{scan}.nii.gz",
        acquisition="results/ct/{scan}.json",
        mask="results/masks/{scan}.nii.gz",
        record="results/masks/{scan}.json",
        automatic=by_scan(study.automatic_mask),
        lesions="results/lesions/{scan}.nii.gz",
        removed="results/lesions/{scan}.removed.nii.gz",
        table="results/lesions/{scan}.tsv",
        findings="results/review/{scan}.json",
    output:
        "results/review/{scan}.view.html",
    log:
        "results/logs/render_review_page/{scan}.log",
    benchmark:
        "results/benchmarks/render_review_page/{scan}.tsv"
    conda:
        "../../envs/images.yaml"
    resources:
        mem_mb=scaled(3000),
    params:
        reviews=config["masks"]["reviews"],
        label=by_scan(study.label_for_readers),
    message:
        "Writing the review page of {wildcards.scan}"
    script:
        "../scripts/review/render_review_page.py"


rule render_worklist:
    input:
        findings=expand("results/review/{scan}.json", scan=study.scans),
        overlays=expand("results/review/{scan}.png", scan=study.scans),
        decisions="results/review/decisions.tsv",
        segmentations=[
            *expand("results/review/{scan}.seg.nrrd", scan=study.scans),
            *expand(
                "results/review/{scan}.seg.dcm",
                scan=filter(study.came_as_dicom, study.scans),
            ),
        ],
    output:
        report("results/review/index.html", category="Masks"),
    log:
        "results/logs/render_worklist.log",
    benchmark:
        "results/benchmarks/render_worklist.tsv"
    conda:
        "../../envs/report.yaml"
    params:
        scans=study.scans,
        labels=[study.cell(scan, "label") for scan in study.scans],
        blind=config["masks"]["blind_review"],
    message:
        "Writing results/review/index.html"
    script:
        "../scripts/review/render_worklist.py"


rule compare_masks:
    input:
        automatic="results/segmentation/{scan}.nii.gz",
        mask="results/masks/{scan}.nii.gz",
        record="results/masks/{scan}.json",
    output:
        "results/agreement/{scan}.json",
    log:
        "results/logs/compare_masks/{scan}.log",
    benchmark:
        "results/benchmarks/compare_masks/{scan}.tsv"
    conda:
        "../../envs/images.yaml"
    resources:
        mem_mb=scaled(3000),
    message:
        "Comparing the automatic mask of {wildcards.scan} with the final one"
    script:
        "../scripts/review/compare_masks.py"


rule summarise_agreement:
    input:
        expand("results/agreement/{scan}.json", scan=study.compared_masks),
    output:
        "results/agreement.tsv",
    log:
        "results/logs/summarise_agreement.log",
    benchmark:
        "results/benchmarks/summarise_agreement.tsv"
    conda:
        "../../envs/tables.yaml"
    message:
        "Listing how far corrections went"
    script:
        "../scripts/review/summarise_agreement.py"


rule summarise_reviews:
    input:
        expand("results/lesions/{scan}.json", scan=study.scans),
    output:
        decisions="results/review/decisions.tsv",
        deleted="results/review/deleted_lesions.tsv",
        agreement="results/review/reader_agreement.tsv",
    log:
        "results/logs/summarise_reviews.log",
    benchmark:
        "results/benchmarks/summarise_reviews.tsv"
    conda:
        "../../envs/tables.yaml"
    params:
        scans=study.scans,
        seed=config["seed"],
    message:
        "Listing what readers decided"
    script:
        "../scripts/review/summarise_reviews.py"
