"""The demo: lineage between real small models, and a whole stage from frozen rules to verified dossiers.

`plan_demo` says what a run would download and what of it is real; `run_demo` runs it and tells what happens as it
happens. Who takes part is data (`examples/demo/cast.toml`), and every outcome follows from what is computed: put
another model behind a team and its verdict changes.
"""

from dokja.demo.run import DemoPlan, DemoResult, find_examples, plan_demo, run_demo

__all__ = ["DemoPlan", "DemoResult", "find_examples", "plan_demo", "run_demo"]
