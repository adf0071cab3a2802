"""Landscapes for previews of a text alone: planned in numbers, drawn by the warm child."""
