"""Is this component's weight descended from that one's?

    checkpoint + anatomy -> sample -> Sketch                the little of a model that a comparison needs
    Sketch, Sketch       -> evidence -> layer map, p-value   exact: re-labellings of the reference's own units
    evidence             -> relation, verdict                what may be said, and what would have been seen

The question is asked per component. Nothing is assumed of the suspect; it may be adversarial.
"""
