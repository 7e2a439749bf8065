"""Makes the fonts of this folder: python3 subset.py NotoSansCJK-Regular.ttc NotoEmoji-Regular.ttf DejaVuSans.ttf"""

import sys

from fontTools import subset
from fontTools.ttLib import TTFont

JOINING = ["ccmp", "init", "medi", "fina", "isol", "rlig", "liga", "mark", "mkmk"]


def standard(codec, first, second):
    """The characters of a national standard, by its two-byte encoding."""
    found = set()
    for a in first:
        for b in second:
            try:
                found.update(bytes([a, b]).decode(codec))
            except UnicodeDecodeError:
                pass
    return {ord(c) for c in found if ord(c) >= 0x80}


def ranges(*pairs):
    return {c for first, last in pairs for c in range(first, last + 1)}


def make(font, out, name, characters, features, dropped):
    options = subset.Options()
    options.hinting = False
    options.layout_features = features
    options.name_IDs = [0, 1, 2, 3, 4, 5, 6, 13, 14]
    options.glyph_names = False
    options.notdef_outline = True
    options.drop_tables += dropped
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=characters)
    subsetter.subset(font)
    for record in font["name"].names:
        if record.nameID in (1, 3, 4, 16):
            record.string = f"Hindsight {name}"
        if record.nameID == 6:
            record.string = f"Hindsight{name}-Regular"
    font["head"].modified = font["head"].created
    font.recalcTimestamp = False
    font.save(out)
    print(out, len(font.getBestCmap()), "characters")


def main(cjk, emoji, dejavu):
    han = (
        standard("gb2312", range(0xA1, 0xF8), range(0xA1, 0xFF))
        | standard("big5", range(0xA1, 0xC7), range(0x40, 0xFF))
        | standard("euc_kr", range(0xA1, 0xFE), range(0xA1, 0xFF))
        | standard("euc_jp", range(0xA1, 0xF5), range(0xA1, 0xFF))
    )
    others = ranges(
        (0xAC00, 0xD7A3), (0x2010, 0x205F), (0x2190, 0x22FF), (0x2460, 0x266F), (0x2700, 0x27BE),
        (0x3000, 0x30FF), (0x3105, 0x318E), (0x3200, 0x33FE), (0xFF00, 0xFFEE),
    )
    layout = ["GSUB", "GPOS", "BASE", "VORG", "vhea", "vmtx", "GDEF"]
    font = TTFont(cjk, fontNumber=2)  # the Chinese face of the collection
    make(font, "HindsightCJK-Regular.otf", "CJK", han | others, [], layout)
    make(TTFont(emoji), "HindsightEmoji-Regular.ttf", "Emoji", ranges((0x2190, 0x1FAFF)), [], ["GPOS"])
    letters = ranges((0x590, 0x6FF), (0x750, 0x77F), (0xFB1D, 0xFDFF), (0xFE70, 0xFEFF), (0x200B, 0x200F))
    make(TTFont(dejavu), "HindsightRTL-Regular.ttf", "RTL", letters, JOINING, ["FFTM", "kern"])


main(*sys.argv[1:])
