"""Answers without the particle that shares their last, or first, word piece.

Where words are not parted by blanks, the model's pieces run across them: 年に ("in the year") is
one piece, and a model that points at pieces cannot point at the year alone. One Japanese answer in
ten ends inside such a piece, of Korean ones one in six, of Chinese ones one in thirty, and one
Thai answer in thirty begins in one. Only what is nearly always a particle is cut.
"""

import regex

from documents.types import Span

_AFTER_JAPANESE = (
    r"(?<=[\p{Han}\p{Katakana}\p{Nd}ー々%％」』）)]|[\p{Nd}一二三四五六七八九とた]つ"
    r"|ほど|こと|ため|とき|くらい|戦い)(?:から|まで|には|では|とは|[のにはがをでともな])"
)
_AFTER_KOREAN = (  # not 라부아지에, 메시에 and the like: names
    r"(?<=\p{Hangul})(?:(?:으)?로부터|에서|에게|으로|부터|까지|(?<![로르오아]지|[메티르테]시)에|를)"
    r"|(?<=[\p{Nd}만천백억조여]\s?[년월일명원세개])[이가은는의과와로을]"
    r"|(?<=[자리시기지치사수스씨부])는|(?<=[들점력물감문함권음임법량])을"
    r"|(?<=[들점원])은|(?<=[들국님])의"
)
_AFTER_CHINESE = (  # not 目的, 标的, 有的, and the firm 美的
    r"(?<=\p{Han})(?<![目標标有美])的|(?<=\p{Nd}[年月日]|[人元歲岁%])[在起至是和与與]"
)
_AT_END = regex.compile(rf"(?:{_AFTER_JAPANESE}|{_AFTER_KOREAN}|{_AFTER_CHINESE})$")
_BEFORE_HAN = (  # not 的确, 是非 and the like
    r"(?:の|的(?![确確士黎里])|是(?![非否指]))(?=\p{Han})"
    r"|在(?=日本|北京|美|香港|中国|中國|上海|全|新|台|大)"
)
_BEFORE_THAI = (
    r"(?!โดยการ)(?:ใน|เมื่อ|ของ|โดย|จาก|คือ|สำหรับ)(?=ประเทศ|วันที่|ปี|เดือน|เมือง|เขต|จังหวัด|เวลา|ช่วง|สมัย"
    r"|ศตวรรษ|ยุค|รัฐ|การ|ด้าน|รูปแบบ|งาน|ระดับ|พื้นที่|ตลาด|ฐานะ|อดีต|เรื่อง|รอบ|ราคา)"
)
_AT_START = regex.compile(rf"{_BEFORE_HAN}|{_BEFORE_THAI}")


def without_particles(text: str, first: Span, last: Span) -> Span:
    """From the start of the `first` piece to the end of the `last`, less a particle that stands in
    one piece with what it belongs to.
    """
    start, end = first.start, last.end
    particle = _AT_END.search(text, max(last.start - 1, start), end)
    if particle is not None and last.start < particle.start():
        end = particle.start()
    opening = _AT_START.match(text, start, min(first.end, end))
    if opening is not None:
        start = opening.end()
    return Span(start, end)
