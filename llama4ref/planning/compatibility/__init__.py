"""Does the engine of a release run such a server: what it can do, which of its faults would be met, and what gets round them?"""
