"""A league of four clubs, written as openfootball, football-data and OpenLigaDB write theirs."""

from __future__ import annotations

import json
from pathlib import Path

CLUBS = ("SC Freiburg", "VfB Stuttgart", "Hertha BSC", "1. FC Köln")


def round_robin(season: str) -> list[dict[str, object]]:
    """A double round robin of four clubs, six weekly rounds from 1 September, as openfootball writes it."""
    year = int(season[:4])
    firsts = [((0, 1), (2, 3)), ((0, 2), (3, 1)), ((0, 3), (1, 2))]
    rounds = [*firsts, *(tuple((away, home) for home, away in pairs) for pairs in firsts)]
    return [
        {
            "round": f"Matchday {number + 1}",
            "date": f"{year}-{9 + number // 4:02d}-{1 + 7 * (number % 4):02d}",
            "time": "15:30",
            "team1": CLUBS[home],
            "team2": CLUBS[away],
            "score": {"ht": [0, 0], "ft": [number % 3, (home + away) % 2]},
        }
        for number, pairs in enumerate(rounds)
        for home, away in pairs
    ]


def write_archive(folder: Path, files: dict[str, list[dict[str, object]]]) -> Path:
    """Write ``season/competition`` -> matches as openfootball's folder."""
    for name, matches in files.items():
        file = folder / f"{name}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({"name": name, "matches": matches}), encoding="utf-8")
    return folder
