"""What a reply is written as: code or label, a mark for each option, a missing code."""

from collections.abc import Iterator, Mapping

from bot.exports.cases import Given
from bot.exports.variables import Variable
from bot.surveys.form import Text


class Cells:
    """Write one variable's replies as cells, with codes or with labels in one language."""

    def __init__(self, variable: Variable, languages: tuple[str, ...], labels: bool) -> None:
        self._many, self._is_moment = variable.takes_many, variable.is_moment
        self._options = variable.options
        self.labels = {code: label_in(choice.label, languages) or code for code, choice in variable.choices.items()}
        self._shown: Mapping[str, str] = self.labels if labels else {code: code for code in self.labels}

    def wide(self, given: Given) -> tuple[str, ...]:
        """Return the cell of the answer, then one of 0 and 1 for each option."""
        return (self._cell(given), *self.marks(given)) if self._options else (self._cell(given),)

    def long(self, given: Given) -> tuple[str, str, str]:
        """Return value, label and missing code."""
        value = self.value(given)
        return value, self._join(value, self.labels) if value and self.labels else "", given.missing or ""

    def value(self, given: Given) -> str:
        """Return what may leave of an answer: of a moment only the day."""
        return given.value[:10] if self._is_moment else given.value

    def marks(self, given: Given) -> Iterator[str]:
        """Yield for each option 1 or 0, or why neither is known."""
        chosen = set(given.value.split())
        for code in self._options:
            yield "1" if code in chosen else given.missing or "0"

    def _cell(self, given: Given) -> str:
        if given.missing and not given.value:
            return given.missing
        return self._join(self.value(given), self._shown)

    def _join(self, value: str, shown: Mapping[str, str]) -> str:
        if not self._many:
            return shown.get(value, value)
        codes = [shown.get(code, code) for code in value.split()]
        return (" " if shown is not self.labels else "; ").join(codes)


def label_in(text: Text, languages: tuple[str, ...]) -> str:
    """Return the text in the first of the languages that has it."""
    return next((str(text[language]) for language in languages if language in text and str(text[language])), "")
