"""The shapes that travel: what is sent (:class:`Sent`, strict, no unknown fields) and what is answered."""
