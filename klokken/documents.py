"""Where people's documents are in their personal spaces: paths that seeding and storms share."""

from __future__ import annotations

# What a pupil opens in the morning.
YESTERDAY = "Dansk/I går.txt"
# A teacher's folder with the work of every pupil of the class.
CLASS_FOLDER = "Klasse"
# Where a pupil finds the paper of an exam, writes, and hands in.
EXAM_FOLDER = "Prøve"
ANSWER = f"{EXAM_FOLDER}/Besvarelse.txt"
HANDIN = f"{EXAM_FOLDER}/Aflevering.txt"


def work_of(username: str) -> str:
    """Return where a teacher has the work of the pupil `username`."""
    return f"{CLASS_FOLDER}/{username}.txt"


def paper(files: int) -> list[str]:
    """Return where the `files` of an exam's paper are: the tasks, then what is attached."""
    names = ["Opgave.pdf", *(f"Bilag {n}.pdf" for n in range(1, files))]
    return [f"{EXAM_FOLDER}/{name}" for name in names]
