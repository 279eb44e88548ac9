"""What the decision page says, prepared as words and numbers; the page itself is `dokja.report.decision_page`."""
