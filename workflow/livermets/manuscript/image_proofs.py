"""Proofs about images, masks and features."""

import pandas as pd
import yaml

from livermets.manuscript.feature_facts import discretisation, interpolation, resegmentation
from livermets.manuscript.image_facts import acquisition_facts, lesion_facts, mask_facts
from livermets.manuscript.proof import CONFIG, Proof, proves
from livermets.manuscript.review_facts import review_facts
from livermets.manuscript.run_files import AGREEMENT_OF_READERS, SCANS, RunFiles
from livermets.manuscript.wording import counted, enumerate_words, present, with_counts

CT, MASKS, LESIONS = "ct/*.json", "masks/*.json", "lesions/*.json"
DICTIONARY, FEATURES = "radiomics_dictionary.tsv", "features.parquet"
AGREEMENT, ICC = "agreement.tsv", "icc.parquet"
PROTOCOL = ("manufacturer", "kvp", "kernel", "phase", "slice_thickness_mm")


@proves(CT)
def acquisition(run: RunFiles) -> Proof:
    """Whether every CT states scanner, voltage, kernel, phase and slice thickness."""
    records = list(run.records("ct").values())
    stated = {key: len(present(records, key)) for key in PROTOCOL}
    gaps = [f"{key} in {n} of {len(records)}" for key, n in stated.items() if n < len(records)]
    if gaps or not records:
        return Proof(CT, f"stated: {enumerate_words(gaps) or 'nothing'}", met=None)
    facts = acquisition_facts(run)
    shown = (facts[key] for key in ("manufacturers", "voltages", "kernels", "phases", "thickness"))
    return Proof(CT, "; ".join(shown))


@proves(CT)
def one_image(run: RunFiles) -> Proof:
    """Whether each patient has one scan of one kind."""
    scans = run.table(SCANS)
    if scans is not None:
        used = scans[scans["included"]]
        several = int((used.groupby("patient").size() > 1).sum())
        return Proof(SCANS, f"{counted(several, 'patient')} with several scans", met=not several)
    return Proof(CT, f"{counted(len(run.records('ct')), 'CT')}, one of each patient")


@proves(MASKS)
def segmentation(run: RunFiles) -> Proof:
    """How masks were made; what a person drew or deleted, a person must describe."""
    facts = mask_facts(run)
    text = f"{facts['automatic']} automatic, {facts['corrected']} corrected, {facts['given']} given"
    if facts["models"]:
        models = (f"{model['name']} ({model['sha256'][:12]})" for model in facts["models"])
        text += f"; models {enumerate_words(models)}"
    if review_facts(run)["deleted"]:
        text += f"; {review_facts(run)['deleted_words']} deleted by readers"
    return Proof(MASKS, text, met=True if _all_automatic(run) else None)


@proves(MASKS)
def one_tool(run: RunFiles) -> Proof:
    """Whether one chain of models made every mask, and no reader deleted a lesion."""
    sources = with_counts(record["source"] for record in run.records("masks").values())
    if review_facts(run)["deleted"]:
        sources += f"; {review_facts(run)['deleted_words']} deleted by readers"
    return Proof(MASKS, sources, met=True if _all_automatic(run) else None)


def _all_automatic(run: RunFiles) -> bool:
    """Whether no person changed a mask."""
    sources = [record["source"] for record in run.records("masks").values()]
    return set(sources) == {"automatic"} and not review_facts(run)["deleted"]


@proves(AGREEMENT)
def segmentation_evaluated(run: RunFiles) -> Proof:
    """Whether automatic masks were compared with masks of a person."""
    facts = mask_facts(run)
    if not facts["compared"]:
        return Proof(AGREEMENT, "no automatic mask has another beside it", met=False)
    text = f"{facts['compared']} scans; Dice of the lesions {facts['dice_lesion'] or 'not known'}"
    return Proof(AGREEMENT, text)


@proves(AGREEMENT)
def segmentation_reliability(run: RunFiles) -> Proof:
    """Whether masks were perturbed, or how far readers agreed, who drew nothing of their own."""
    if run.has(ICC):
        return Proof(ICC, "features of perturbed masks (ICC)")
    if kappas := review_facts(run).get("kappas"):
        return Proof(AGREEMENT_OF_READERS, " ".join(kappas), met=None)
    compared = segmentation_evaluated(run)
    return Proof(compared.file, compared.value, met=None)


@proves(LESIONS)
def lesion_selection(run: RunFiles) -> Proof:
    """Which lesions were kept."""
    facts = lesion_facts(run)
    text = (
        f"{facts['n_lesions']} of {facts['n_components']} components kept, from {facts['min_mm']}"
    )
    return Proof(LESIONS, f"{text} mm")


@proves(FEATURES, DICTIONARY)
def image_processing(run: RunFiles) -> Proof:
    """What was done to the images before features were taken."""
    settings = run.config["radiomics"]["settings"]
    return Proof(FEATURES, f"{interpolation(settings)} {resegmentation(settings)}")


@proves(FEATURES, DICTIONARY)
def resampling(run: RunFiles) -> Proof:
    """Whether images were resampled."""
    return Proof(FEATURES, interpolation(run.config["radiomics"]["settings"]))


@proves(FEATURES, DICTIONARY)
def discretised(run: RunFiles) -> Proof:
    """How grey levels were discretised."""
    return Proof(FEATURES, discretisation(run.config["radiomics"]["settings"]))


@proves(DICTIONARY, FEATURES)
def image_types(run: RunFiles) -> Proof:
    """Which images features were taken from."""
    return Proof(DICTIONARY, _counts(run, "image"))


@proves(DICTIONARY, FEATURES)
def feature_classes(run: RunFiles) -> Proof:
    """Which classes of features were extracted."""
    return Proof(DICTIONARY, _counts(run, "class"))


def _counts(run: RunFiles, column: str) -> str:
    return with_counts(_extracted(run)[column])


def _extracted(run: RunFiles) -> pd.DataFrame:
    """The rows of the dictionary whose feature has a value for any lesion."""
    dictionary, features = run.table(DICTIONARY), run.features
    assert dictionary is not None and features is not None
    return dictionary[dictionary["feature"].isin(features.columns)]


@proves(FEATURES, DICTIONARY)
def feature_count(run: RunFiles) -> Proof:
    """How many features the table has."""
    return Proof(FEATURES, counted(len(_extracted(run)), "feature"))


@proves(FEATURES, DICTIONARY)
def extraction_software(run: RunFiles) -> Proof:
    """Which version of pyradiomics extracted, and how many features have an IBSI tag."""
    version = run.radiomics_metadata.get("versions", {}).get("pyradiomics")
    if not version:
        return Proof(FEATURES, "the table does not say what extracted it", met=None)
    tagged = int(_extracted(run)["ibsi_tag"].notna().sum())
    return Proof(FEATURES, f"pyradiomics {version}; {tagged} features with an IBSI tag")


@proves(FEATURES, DICTIONARY)
def extraction_settings(run: RunFiles) -> Proof:
    """Which settings the extraction had."""
    settings = run.radiomics_metadata.get("settings")
    if settings is None:
        return Proof(FEATURES, "the table does not say how it was extracted", met=None)
    text = yaml.safe_dump(settings, default_flow_style=True, width=10_000).strip()
    return Proof(FEATURES, f"{text}; all others at pyradiomics' defaults")


@proves()
def robust_features(run: RunFiles) -> Proof:
    """Whether features that perturbation changes were left out."""
    if run.config["radiomics"]["min_icc"] is None:
        return Proof(CONFIG, "radiomics.min_icc: null", met=False)
    if not run.has(ICC):
        return Proof(ICC, "results/icc.parquet is not there", met=None)
    return Proof(ICC, f"ICC of at least {run.config['radiomics']['min_icc']} in training patients")
