"""Who answers an inbound message: registration, keywords, menus, hand-over to staff.

May import every room but exports, web, jobs and emulators.
"""
