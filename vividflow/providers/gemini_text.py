"""Text from Gemini (providers.md 2.5): one question, one JSON object for an answer, within a bounded time.

Text is cheap and changes nothing, so unlike an order it may be asked for again, and of a second model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vividflow import timing
from vividflow.config import Settings
from vividflow.errors import Outcome, Refused, Transient
from vividflow.providers import outcomes
from vividflow.providers.answer import NeverSent, NoAnswer
from vividflow.providers.google_line import VENDOR, Answered, GoogleLine, meaning
from vividflow.providers.model import TextFacts

if TYPE_CHECKING:
    from google.genai.types import GenerateContentResponse

TRIES = 2
CALL_SECONDS = 6.0
LEAST_SECONDS = 1.0
# Thinking is counted in, so there is far more room than an answer needs.
MOST_TOKENS = 4096
GOOD = "STOP"
CONTENT_REASONS = frozenset({"SAFETY", "PROHIBITED_CONTENT", "BLOCKLIST", "SPII"})


class GeminiText:
    """Gemini by API key; `models` names the model and its stand-in."""

    def __init__(self, settings: Settings, models: TextFacts) -> None:
        self._line = GoogleLine(key=settings.gemini_key or "", base_url=settings.google_gemini_base_url)
        self._models = (models.model, models.fallback)

    def write(
        self,
        text: str,
        *,
        instruction: str,
        schema: dict[str, Any],
        seconds: float,
        call_seconds: float = CALL_SECONDS,
        most_tokens: int = MOST_TOKENS,
    ) -> dict[str, Any]:
        """The JSON object that the model makes of `text` by `instruction`, of the JSON `schema`, within `seconds`.

        One request may take `call_seconds`, its answer `most_tokens`; one that is cut there is asked for again.
        Raises `Refused` (content_policy, a key or a credit that is refused) or `Transient` when no model could answer.
        """
        deadline = timing.monotonic() + seconds
        trouble: Outcome = outcomes.unreachable(VENDOR)
        for model in self._models:
            for _ in range(TRIES):
                left = deadline - timing.monotonic()
                if left < LEAST_SECONDS:
                    raise trouble
                try:
                    return self._ask(model, text, instruction, schema, min(left, call_seconds), most_tokens)
                except Refused as refused:
                    if not refused.retired:
                        raise
                    trouble = Transient(refused.code, refused.message)
                    break
                except Transient as later:
                    trouble = later
                    if later.retry_after is not None:
                        break  # the wait is longer than a person's patience; the other model has a queue of its own
        raise trouble

    def close(self) -> None:
        """Let go of the connections."""
        self._line.close()

    def _ask(
        self, model: str, text: str, instruction: str, schema: dict[str, Any], seconds: float, most_tokens: int
    ) -> dict[str, Any]:
        client = self._line.client
        from google.genai import errors, types

        # No temperature, topP or topK: they are deprecated from Gemini 3.6 on.
        config = types.GenerateContentConfig(
            system_instruction=instruction,
            response_mime_type="application/json",
            response_json_schema=schema,
            max_output_tokens=most_tokens,
            http_options=types.HttpOptions(timeout=int(seconds * 1000)),
        )
        try:
            response = client.models.generate_content(model=model, contents=text, config=config)
        except (NeverSent, NoAnswer) as error:
            raise outcomes.unreachable(VENDOR) from error
        except Answered as told:
            found = meaning(told.answer)
            raise (found if isinstance(found, Refused | Transient) else outcomes.unreachable(VENDOR)) from None
        except (ValueError, errors.UnknownApiResponseError) as error:  # a 2xx that is not what it says it is
            raise _unusable() from error
        return _object(response)


def _object(response: GenerateContentResponse) -> dict[str, Any]:
    """The object in a whole answer; a blocked one has no candidates, a cut or broken one no parsed object."""
    feedback = response.prompt_feedback
    if feedback is not None and feedback.block_reason is not None:
        raise Refused("content_policy", outcomes.CONTENT_SENTENCE)
    first = response.candidates[0] if response.candidates else None
    reason = first.finish_reason if first is not None else None
    if reason is not None and reason.value in CONTENT_REASONS:
        raise Refused("content_policy", outcomes.CONTENT_SENTENCE)
    if reason is None or reason.value != GOOD or not isinstance(response.parsed, dict):
        raise _unusable()
    return response.parsed


def _unusable() -> Transient:
    return Transient("answer_unusable", f"{VENDOR} answered with something that cannot be used.")
