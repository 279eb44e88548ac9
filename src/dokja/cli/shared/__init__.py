"""What every command shares, each thing once: options, the desk it opens, the clock, how it answers, how far it is."""

from dokja.cli.shared.command import Call, answering, stage_command
from dokja.cli.shared.options import (
    DAY,
    FILE,
    FOLDER,
    KEY,
    NEW_FILE,
    PASSKEY,
    SEED,
    SIGNER,
    added,
    depth_option,
    option,
    profile_options,
    seed_option,
)
from dokja.cli.shared.output import Output, one_line, print_json, table
from dokja.cli.shared.progress import Showing

__all__ = [
    "DAY",
    "FILE",
    "FOLDER",
    "KEY",
    "NEW_FILE",
    "PASSKEY",
    "SEED",
    "SIGNER",
    "Call",
    "Output",
    "Showing",
    "added",
    "answering",
    "depth_option",
    "one_line",
    "option",
    "print_json",
    "profile_options",
    "seed_option",
    "stage_command",
    "table",
]
