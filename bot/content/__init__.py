"""What people read: messages/ as typed values.

Imports only the standard library, babel, yaml and phonenumbers; the path of messages/ is an argument.
"""
