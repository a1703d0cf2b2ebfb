"""Runs in a client's environment: takes calls of the functions in this folder, a line of JSON each, and answers so.

A call is ``{"flow": "MODULE.FUNCTION", "arguments": {...}}``. Its answer is ``{"result": ...}``, or ``{"error": ...}``
with the exception's name, its text and where it was raised.
"""

import importlib
import json
import os
import sys
import traceback
from typing import Any


def _answer(call: dict[str, Any]) -> dict[str, Any]:
    module, _, function = call["flow"].partition(".")
    try:
        return {"result": getattr(importlib.import_module(module), function)(**call["arguments"])}
    except Exception as error:
        where = traceback.format_exc()
        return {"error": {"type": type(error).__name__, "text": str(error), "where": where}}


def main() -> None:
    """Answers until its input ends. What libraries print goes to the log, that is, to the standard error."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    for line in sys.stdin:
        answers.write(json.dumps(_answer(json.loads(line))) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
