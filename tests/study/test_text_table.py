"""Tables as people have them: read where unambiguous, else refused with line and remedy."""

import gzip

import pytest
from livermets.core.errors import BadInput
from livermets.study.text_table import read_text_table

ROWS = [(1, ["patient", "label"]), (2, ["A", "None"]), (3, ["B", "NA"])]
TEXT = "patient,label\nA,None\nB,NA\n"


@pytest.mark.parametrize(
    "data",
    [
        TEXT.encode("utf-8-sig"),
        TEXT.encode("utf-16"),
        TEXT.replace("\n", "\r").encode(),
        gzip.compress(TEXT.encode(), mtime=0),
        TEXT.replace("\n", ",,\n").encode(),
        (TEXT + ",,\n\n \n").encode(),
    ],
    ids=["BOM", "UTF-16", "CR", "gzip named csv", "trailing commas", "blank rows"],
)
def test_a_table_that_can_be_understood_in_one_way_is_read(tmp_path, data):
    (tmp_path / "table.csv").write_bytes(data)
    assert read_text_table(tmp_path / "table.csv", ",") == ROWS


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (TEXT.encode() + b"C,M\xfcller\n", "line 4: a letter cannot be read.*CSV UTF-8"),
        (b"PK\x03\x04 sheet", "save it as CSV"),
        (b"", "is empty"),
        (b"patient,label\nA,x,y\n", "line 2 has 3 cells and the header 2"),
        (b'patient,label\nA,"x\nB,y\n', "line 2: a quotation mark is not closed"),
        (b"patient;label;v\nA;x;1,5\n", "separated by semicolons.*decimal points"),
        (b"\x1f\x8b\x08cut", "damaged gzip"),
        (TEXT.encode("utf-16-le"), "UTF-16 without its mark"),
    ],
    ids=["cp1252", "xlsx", "empty", "long row", "open quote", "German", "cut gzip", "no mark"],
)
def test_a_table_that_cannot_be_understood_is_refused_with_line_and_remedy(tmp_path, data, message):
    (tmp_path / "table.csv").write_bytes(data)
    with pytest.raises(BadInput, match=message):
        read_text_table(tmp_path / "table.csv", ",")
