"""The command `repro`: one file a subcommand.

May import every other room; none imports it.
"""
