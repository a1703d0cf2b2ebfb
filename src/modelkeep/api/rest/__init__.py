"""Our own REST API: OpenAPI 3.1 under ``/api/v1``, errors as problem documents (RFC 9457)."""
