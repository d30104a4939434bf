"""Proofs about readers: who reviewed the masks on the pages, and how far two of them agreed."""

import pandas as pd

from livermets.manuscript.image_facts import mask_facts
from livermets.manuscript.proof import Proof, proves
from livermets.manuscript.review_facts import review_facts
from livermets.manuscript.run_files import AGREEMENT_OF_READERS, DECISIONS, RunFiles
from livermets.manuscript.wording import with_counts

MASKS = "masks/*.json"


@proves(MASKS, DECISIONS)
def no_person(run: RunFiles) -> Proof:
    """Whether no person had a hand in the masks, by drawing, correcting or reviewing them."""
    facts, masks = review_facts(run), mask_facts(run)
    if facts["read"]:
        text = f"{facts['readers']}; {facts['read']} of {facts['all']} reviewed"
        return Proof(DECISIONS, f"{text}, {facts['deleted_words']} deleted", met=None)
    if masks["corrected"] or masks["given"]:
        sources = with_counts(record["source"] for record in run.records("masks").values())
        return Proof(MASKS, sources, met=None)
    return Proof(MASKS, "no mask was drawn, corrected or reviewed by a person")


@proves(AGREEMENT_OF_READERS)
def reader_agreement(run: RunFiles) -> Proof:
    """How far two readers agreed about the masks."""
    reviews = run.reviews
    agreement = pd.DataFrame() if reviews is None else reviews.agreement
    if agreement.empty:
        return Proof(AGREEMENT_OF_READERS, "no two readers reviewed the same mask", met=None)
    defined = bool(agreement["kappa"].notna().any())
    kappas = " ".join(review_facts(run)["kappas"])
    return Proof(AGREEMENT_OF_READERS, kappas, met=defined or None)
