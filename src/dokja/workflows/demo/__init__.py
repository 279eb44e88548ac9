"""The demo: lineage between real small models, and a whole stage from frozen rules to verified dossiers."""
