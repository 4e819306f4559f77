"""What a terminal shows that was sent some output: text, line ends, and the sequences by which lines are taken back."""

from __future__ import annotations

import re

_PIECES = re.compile(r"\x1b\[(?P<numbers>[?\d;]*)(?P<final>[A-Za-z])|\x1b[^\[]|[\s\S]")


def screen_of(sent: str) -> list[str]:
    """Return the lines, those that have left the screen at its top included; no line may be longer than it is wide."""
    lines, row, column = [""], 0, 0
    for match in _PIECES.finditer(sent):
        piece, final = match.group(), match["final"]
        count = int(match["numbers"]) if (match["numbers"] or "").isdigit() else 1
        if final == "A":
            row = max(0, row - count)
        elif final == "B":
            row += count
        elif final == "C":
            column += count
        elif final == "D":
            column = max(0, column - count)
        elif final == "K":
            lines[row] = "" if match["numbers"] == "2" else lines[row][:column]
        elif final == "J":
            lines[row:] = [lines[row][:column]]
        elif piece == "\r":
            column = 0
        elif piece == "\n":
            row += 1
        elif piece >= " " and not piece.startswith("\x1b"):
            lines[row] = lines[row][:column].ljust(column) + piece + lines[row][column + 1 :]
            column += 1
        lines += [""] * (row + 1 - len(lines))
    return [line.rstrip() for line in lines]
