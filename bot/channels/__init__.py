"""The edge: providers' payloads to plain values and back. Imports nothing of ours but settings, clock."""
