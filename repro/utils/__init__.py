"""Files, checks, formatting: no physics, no networks.

Imports no other room.
"""
