"""Kinds of questions a classification of the older ontology can ask."""

from __future__ import annotations

from enum import Enum


class ClassificationType(Enum):
    """A kind of question."""

    RADIO = "radio"
    TEXT = "text"
    CHECKLIST = "checklist"
