"""What new releases of engines change: their wheels are read, and what the specs say of them is derived again.

Nothing here changes a spec. Wheels come through pip; their Python files are parsed and never imported.
"""
