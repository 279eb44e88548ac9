"""What can happen in a stage: kinds of events, the history they make, rosters."""
