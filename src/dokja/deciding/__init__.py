"""From marks to points to gates to a decision, as a pure function of rulebook and history."""
