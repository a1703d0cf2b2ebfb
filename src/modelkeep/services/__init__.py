"""Floor 2: what the hub can do. Each service authorises, decides with the domain's rules, and orders the writes.

Order of writes, always: blobs, then the Git ref, then SQL. Every step but the last is safe to repeat.
"""
