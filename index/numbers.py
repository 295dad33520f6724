"""One form for written numbers: 1,953 and 1.953 are 1953, and 3,5 is 3.5."""

import re

_GROUPING_SPACE = re.compile(r"(?<=\d)(?<!\d{4})[\u00a0\u2009\u202f](?=\d{3}(?!\d))")
_RAISED = re.compile(r"(?<=\d)(?=[²³¹⁰-⁹₀-₉¼-¾⅐-⅞])")


def mend(text: str) -> str:
    """Close no-break blanks between the groups of a number, and part a raised digit or a fraction
    from the number before it: what NFKC would make another number of.
    """
    return _RAISED.sub(" ", _GROUPING_SPACE.sub("", text))


def plain(number: str) -> str:
    """Write groups of digits, joined by any of ``.,'``, as one number with a decimal point at most,
    or as several numbers with blanks between them where they are not one (27.7.1953).

    A lone mark before exactly three digits is read as grouping (1.125 is 1125), because languages
    disagree and the text does not say.
    """
    *groups, last = re.split(r"[.,']", number)
    *marks, mark = re.findall(r"[.,']", number)
    if _is_grouped([*groups, last], [*marks, mark]):
        return "".join(groups) + last
    if mark != "'" and mark not in marks and (not marks or _is_grouped(groups, marks)):
        return "".join(groups) + "." + last
    return " ".join([*groups, last])


def _is_grouped(groups: list[str], marks: list[str]) -> bool:
    """Tell whether digit groups are one whole number: 1,234,567 or the Indian 12,34,567."""
    first, *middle, last = groups
    return (
        len(set(marks)) == 1
        and not first.startswith("0")
        and len(first) <= 3
        and all(2 <= len(group) <= 3 for group in middle)
        and len(last) == 3
    )
