"""What chance makes of words and files ends as it should."""

import random
import shutil
from pathlib import Path

from tests.fuzz import run as fuzz
from tests.fuzz.files import Sound
from tests.fuzz.words import MAKERS


def test_what_a_fuzz_run_tries_first_ends_as_it_should() -> None:
    found = fuzz.summary(fuzz.fuzz(range(len(MAKERS)), seed=0), seed=0)
    assert found["cases"] == len(MAKERS)
    assert found["faults"] == []


def test_a_fuzz_run_is_that_of_its_seed(sound: Sound, tmp_path: Path) -> None:
    for number in range(0, 28, 3):
        made = []
        for again in ("a", "b"):
            folder = tmp_path / again
            (folder / "out").mkdir(parents=True)
            maker = MAKERS[number % len(MAKERS)]
            words = maker(random.Random(f"7-{number}"), sound, folder)
            made.append([word.replace(str(folder), "") for word in words])
            shutil.rmtree(folder)
        assert made[0] == made[1]
