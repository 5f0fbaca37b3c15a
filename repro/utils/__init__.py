"""Files, checks, formatting: no physics, no networks.

May import no other room.
"""
