"""A language model that says what it was given to say: for tests, and to see what is asked of a model."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from mcp_memory.errors import LLMUnavailable


class ScriptedLLM:
    """Answers prompts from a script, in order, or by a function of the prompt."""

    def __init__(self, script: Iterable[str] | Callable[[str], str]) -> None:
        self._answer = script if callable(script) else None
        self._lines = iter(()) if callable(script) else iter(script)
        self.prompts: list[str] = []
        """What it was asked."""

    async def write(self, prompt: str) -> str:
        self.prompts.append(prompt)
        if self._answer is not None:
            return self._answer(prompt)
        line = next(self._lines, None)
        if line is None:
            raise LLMUnavailable("the script is at its end")
        return line
