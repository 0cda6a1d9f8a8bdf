"""A game day: faults, one after another, under load: `make game-day`.

`faults.py` lists them, `scene.py` is what they happen to, `visitors.py` the load, `prometheus.py`
fires the alerts, and `report.py` makes the table.
"""
