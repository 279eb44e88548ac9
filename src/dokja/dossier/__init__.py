"""The dossier: the one file from which a stranger checks a decision, offline.

It is a single RFC 8785 (canonical) JSON object and a final newline, so that there is one way to write it and any change
of a byte shows. It holds plain JSON only; what the values mean is checked by `dokja verify`.

    format      "dokja/dossier/1"
    profile     "public" or "auditor"
    stage       name of the stage
    rulebook    the rulebook in force, as it is hashed
    decision    {"body": what people signed: what is public, and a commitment to everything,
                 "before": place in the log up to which events were read,
                 "opened": auditor only: the salt and the value that the commitment covers}
    record      what lies in the log, by place: events in full, sealed events by digest alone, statements about keys,
                erasures; each with its inclusion proof
    personal    auditor only: personal payloads with their salts
    log         {"key": the log's verifier key, "checkpoint": its signed state,
                "earlier": earlier signed states with proofs that the log only grew}
    seal        digest of all of the above

A sealed event gives away nothing: its digest covers a random salt that stays with the event.


A run of a benchmark has thousands of rows and a stage hundreds of runs, so a dossier is hundreds of megabytes of text:
it is written and read one event at a time, and events are kept as their canonical text.
"""

from dokja.dossier.model import (
    AUDITOR,
    FORMAT,
    MOST_DOSSIER_BYTES,
    PUBLIC,
    Dossier,
    DossierEntry,
    Earlier,
    Opened,
    Personal,
    write_dossier,
)
from dokja.dossier.read import ReadDossier, read_dossier
from dokja.dossier.spelt import Spelt

__all__ = [
    "AUDITOR",
    "FORMAT",
    "MOST_DOSSIER_BYTES",
    "PUBLIC",
    "Dossier",
    "DossierEntry",
    "Earlier",
    "Opened",
    "Personal",
    "ReadDossier",
    "Spelt",
    "read_dossier",
    "write_dossier",
]
