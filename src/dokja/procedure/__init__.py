"""Who may do what by when: objections, allegations, support."""
