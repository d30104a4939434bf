"""Reconstruction kernels: which are for lung and bone, and too sharp for soft tissue.

The names are those of the makers. Siemens gives a number for sharpness (B30f, I70f, Br40d, Bl57);
Canon and Toshiba name groups of body, bone and lung (FC08, FC30, FC51); GE uses words (STANDARD,
LUNG) and Philips letters (B, YA).
"""

import re

SHARP_WORDS = re.compile(r"LUNG|BONE|EDGE|CHST|ULTRA|SHARP")  # BONEPLUS, HD LUNG
SHARP_LETTERS = {"D", "E", "L", "YA", "YB", "YC", "YD"}  # of Philips
SIEMENS = re.compile(r"[A-Z][A-Z]?(\d\d)[A-Z]?")
SHARP_FROM = 50  # of Siemens' numbers; soft tissue is read at 30 to 45
CANON = re.compile(r"FC(\d\d)")
SHARP_GROUPS = {3, 5, 8}  # tens of Canon's numbers: bone, lung, high resolution


def is_sharp(kernel: str | None) -> bool:
    """Whether a reconstruction kernel is meant for lung or bone; False if it is not known."""
    name = str(kernel or "").partition("/")[0].strip().upper()
    if canon := CANON.match(name):
        return int(canon[1]) // 10 in SHARP_GROUPS
    if siemens := SIEMENS.fullmatch(name):
        return int(siemens[1]) >= SHARP_FROM
    return name in SHARP_LETTERS or bool(SHARP_WORDS.search(name))
