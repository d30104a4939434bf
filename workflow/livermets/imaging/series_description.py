"""Words of series descriptions, English and German, that tell the region of the body and the use.

Which phase of contrast a description names is told in `contrast_phase`.
"""

import re

ABDOMEN = (
    r"abd|liver|leber|hepat|bauch|\btap\b|\bcap\b|pan[ck]rea|trunk|rumpf|stamm|phasi[cs]|"
    r"whole.?body|ganzk(ö|oe)rper|portal"
)
ELSEWHERE = (
    r"chest|thora|lung|pulmo|neck|hals|head|kopf|brain|sch(ä|ae)del|cereb|\blegs?\b|bein|pelvi|"
    r"becken|cardi|herz|heart|[ck]oronar[^e]|spine|wirbel|sinus|extremit|knee|femor|phlebo|venogra"
)
NO_SCAN = (  # images of numbers or of a screen, stored as CT
    r"dose.?(report|info|summary|sheet)|dosis.?(bericht|info)|patient.?protocol|"
    r"patientenprotokoll|screen.?(save|shot)|bildschirm"
)
SHARP = r"lung|bone|knochen|\bhr\b|\bhrct\b|osteo"


def plain_text(*texts: object) -> str:
    """Texts as one in lower case, with blanks for underscores."""
    return " ".join(str(text) for text in texts if text).replace("_", " ").lower()


def other_region(*texts: object) -> str | None:
    """The word for another region of the body, None if the abdomen is named too or no region is."""
    words = plain_text(*texts)
    elsewhere = re.search(ELSEWHERE, words)
    return elsewhere[0] if elsewhere and not re.search(ABDOMEN, words) else None


def is_no_scan(*texts: object) -> bool:
    """Whether the description is that of a dose report or a screenshot."""
    return bool(re.search(NO_SCAN, plain_text(*texts)))


def names_sharp_image(*texts: object) -> bool:
    """Whether the description says that the images are for lung or bone."""
    return bool(re.search(SHARP, plain_text(*texts)))
