"""Tables as spreadsheets write them: with a mark, with semicolons, with rows cut short."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.errors import UsageError
from edge.evaluate.clips import read_clips
from edge.evaluate.pairs import read_pairs
from edge.evaluate.people import Listed, read_people

MARK = "\ufeff"


@pytest.mark.parametrize("parted", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_table_of_people_is_read_however_its_columns_are_parted(
    tmp_path: Path, parted: str, end: str
) -> None:
    table = tmp_path / "people.csv"
    rows = ["image", "person", "group"], ["a.png", '"Ann, Berg; jun."', "women"], ["b.png", "Bo"]
    table.write_bytes((MARK + end.join(map(parted.join, rows)) + end).encode())
    listed = [Listed("a.png", "Ann, Berg; jun.", "women"), Listed("b.png", "Bo", "")]
    assert read_people(table) == listed


def test_clips_from_a_spreadsheet_of_a_country_with_decimal_commas(tmp_path: Path) -> None:
    path = tmp_path / "clips.csv"
    header = "file;person;kind;species;fps;blinks;labelled;notes"
    path.write_text(f'{MARK}{header}\na.mp4;Ann;genuine;;"29,97";"2-4-6;9-9-12";y;x\n')
    (clip,) = read_clips(path)
    assert (clip.fps, clip.blinks) == (29.97, ((2, 4, 6), (9, 9, 12)))
    path.write_text(f"{header}\na.mp4;Ann;genuine;;25\n")
    (clip,) = read_clips(path)  # cut short: nothing is labelled
    assert (clip.blinks, clip.labelled) == ((), False)


@pytest.mark.parametrize("fps", ["0", "-25", "nan", "inf"])
def test_a_film_has_frames_in_a_second(tmp_path: Path, fps: str) -> None:
    path = tmp_path / "clips.csv"
    path.write_text(
        f"file,person,kind,species,fps,blinks,labelled,notes\na,Ann,genuine,,{fps},,n,\n"
    )
    with pytest.raises(UsageError, match=r"line 2: fps is the film's frames a second"):
        read_clips(path)


def test_a_list_of_pairs_with_a_mark_is_read(tmp_path: Path) -> None:
    path = tmp_path / "pairs.txt"
    path.write_text(f"{MARK}Ann 1 2\nAnn 1 Bo 1\n")
    assert [pair.one for pair in read_pairs(path).pairs] == ["Ann/Ann_0001.jpg"] * 2
