"""Undoes what hides words from rules: unseen letters, letters that only look alike, digits for letters, gaps."""

import re
import unicodedata

_LEET = str.maketrans("0134578@$", "oieastbas")
_ALIKE = str.maketrans("АВЕКМНОРСТУХаеорсухіѕԁԛԝΑΒΕΖΗΙΚΜΝΟΡΤΥΧο", "ABEKMHOPCTYXaeopcyxisdqwABEZHIKMNOPTYXo")
_MIXED = re.compile(r"(?=\w*[a-zA-Z])(?=\w*[\u0370-\u052f])\w+")
_DIGITS = re.compile(r"(?<![\w.-])(?=[\w@$]*[a-zA-Z])(?=[\w@$]*[0134578@$])[\w@$]{2,}(?![\w@$])")
_SPELLED = re.compile(r"(?<![^\W_])[^\W\d_]([ .*_-])(?:[^\W\d_]\1)+[^\W\d_](?![^\W_])")
_RUN = re.compile(r"[a-z]{16,}", re.IGNORECASE)
_INSIDE = re.compile(
    r"always|never|recommend|ignore|instructions?|previous|answer|everyone|question|matter|what", re.IGNORECASE
)


def undisguised(text: str) -> str:
    """The text without unseen letters, look-alikes put right, digits read as letters, gaps closed and blanks folded."""
    if not text.isascii():
        text = "".join(char for char in unicodedata.normalize("NFKC", text) if unicodedata.category(char) != "Cf")
        text = _MIXED.sub(lambda word: word[0].translate(_ALIKE), text)
    text = _SPELLED.sub(lambda word: word[0].replace(word[1], ""), text)
    text = " ".join(text.split())
    text = _RUN.sub(lambda word: _INSIDE.sub(r" \g<0> ", word[0]), text)
    return _DIGITS.sub(lambda word: word[0].translate(_LEET), text)


def levelled(text: str) -> str:
    """The text with letters that only look like others put right: as long as it was, so that offsets stay."""
    if text.isascii():
        return text
    plain = (unicodedata.normalize("NFKC", char) for char in text)
    text = "".join(new if len(new) == 1 else old for new, old in zip(plain, text, strict=True))
    return _MIXED.sub(lambda word: word[0].translate(_ALIKE), text)
