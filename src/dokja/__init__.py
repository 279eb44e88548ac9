"""Examine foundation models: origin of weights, training as claimed, quality, advancement.

Rooms never import each other; one word, `Finding`, travels between them. An examiner looks at a submission
and writes findings; a gate reads findings and scores and says what is missing; workflows carry them from room
to room; a dossier is the file a stranger verifies offline. The map is in ARCHITECTURE.md.
"""

__version__ = "0.1.0"
