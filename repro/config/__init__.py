"""What one computation is: its settings, their checks, its label and its id.

May import `utils`, `physics` and `ansatz`.
"""
