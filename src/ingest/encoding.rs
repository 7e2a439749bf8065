//! Text that is not UTF-8: UTF-16, and older encodings of Chinese and Korean where the bytes leave
//! no doubt. What cannot be told is asked for, never guessed.

use std::io::Read;

use serde::{Deserialize, Serialize};

/// Letters beyond ASCII that a guess needs: fewer prove nothing.
const MIN_LETTERS: usize = 8;

/// How a text is encoded, by its name in the WHATWG standard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Encoding(&'static encoding_rs::Encoding);

impl Encoding {
    /// What nearly all logs are.
    pub const UTF_8: Self = Self(encoding_rs::UTF_8);

    /// Whether it is UTF-16, which its first bytes tell.
    pub(super) fn is_utf_16(self) -> bool {
        self.0 == encoding_rs::UTF_16LE || self.0 == encoding_rs::UTF_16BE
    }

    /// As shown to people.
    pub fn name(self) -> &'static str {
        self.0.name()
    }
}

impl Default for Encoding {
    fn default() -> Self {
        Self::UTF_8
    }
}

impl TryFrom<String> for Encoding {
    type Error = String;

    fn try_from(label: String) -> Result<Self, String> {
        encoding_rs::Encoding::for_label(label.as_bytes())
            .map(Self)
            .ok_or_else(|| {
                format!("\"{label}\" is no encoding; known are utf-8, utf-16le, gb18030, big5, euc-kr, shift_jis, windows-1252 and others of the WHATWG standard")
            })
    }
}

impl From<Encoding> for String {
    fn from(encoding: Encoding) -> Self {
        encoding.name().to_lowercase()
    }
}

/// What the first bytes of a text say about its encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// It is this one.
    Certain(Encoding),
    /// Pairs of bytes beyond ASCII, but of which language cannot be told.
    SomeDoubleByte,
    /// No text.
    Binary,
}

/// Tells the encoding from the beginning of a text.
pub(super) fn tell(head: &[u8]) -> Told {
    let certain = |encoding| Told::Certain(Encoding(encoding));
    match head {
        [0xff, 0xfe, 0, 0, ..] => return Told::Binary,
        [0xff, 0xfe, ..] => return certain(encoding_rs::UTF_16LE),
        [0xfe, 0xff, ..] => return certain(encoding_rs::UTF_16BE),
        _ => {}
    }
    if head.contains(&0) {
        // ASCII in UTF-16 has a zero in every pair, on the same side; few letters have one on the
        // other.
        let n_zero = |side: usize| {
            head.iter()
                .skip(side)
                .step_by(2)
                .filter(|b| **b == 0)
                .count()
        };
        let (even, odd) = (n_zero(0), n_zero(1));
        let is_mostly = |n: usize, other: usize| n * 20 > head.len() && n > 8 * other;
        return if is_mostly(odd, even) {
            certain(encoding_rs::UTF_16LE)
        } else if is_mostly(even, odd) {
            certain(encoding_rs::UTF_16BE)
        } else {
            Told::Binary
        };
    }
    if !is_double_byte(head) {
        return certain(encoding_rs::UTF_8);
    }
    // The head may end within a letter: look at whole lines only.
    let end = head.iter().rposition(|b| *b == b'\n').unwrap_or(head.len());
    let pairs = pairs(&head[..end]);
    let share = |is_common: fn((u8, u8)) -> bool| {
        pairs.iter().filter(|pair| is_common(**pair)).count() as f64 / pairs.len() as f64
    };
    let decodes = |encoding: &'static encoding_rs::Encoding| {
        !encoding.decode_without_bom_handling(&head[..end]).1
    };
    if pairs.len() < MIN_LETTERS {
        Told::SomeDoubleByte
    } else if share(is_hangul) > 0.95 && decodes(encoding_rs::EUC_KR) {
        certain(encoding_rs::EUC_KR)
    } else if share(is_common_chinese) > 0.95
        && share(is_hangul) < 0.8
        && decodes(encoding_rs::GB18030)
    {
        certain(encoding_rs::GB18030)
    } else {
        Told::SomeDoubleByte
    }
}

/// The letters of two bytes.
fn pairs(text: &[u8]) -> Vec<(u8, u8)> {
    let mut pairs = Vec::new();
    let mut bytes = text.iter();
    while let Some(first) = bytes.next() {
        if *first >= 0x80
            && let Some(second) = bytes.next()
        {
            pairs.push((*first, *second));
        }
    }
    pairs
}

/// Whether the bytes beyond ASCII are no UTF-8 and come in pairs, as letters of two bytes do. Single
/// bytes among ASCII are letters of a western encoding or damage.
fn is_double_byte(head: &[u8]) -> bool {
    let text = String::from_utf8_lossy(head);
    let n_invalid = text
        .chars()
        .filter(|c| *c == char::REPLACEMENT_CHARACTER)
        .count();
    let is_high = |b: &u8| *b >= 0x80;
    let n_high = head.iter().filter(|b| is_high(b)).count();
    let runs = head.split(|b| !is_high(b)).filter(|run| !run.is_empty());
    let n_in_pairs: usize = runs.filter(|run| run.len() >= 2).map(<[u8]>::len).sum();
    // Some pairs are letters of UTF-8 by chance; in UTF-8 nearly all would be.
    n_high > 0 && n_invalid * 5 > n_high && n_in_pairs * 10 > n_high * 7
}

/// The syllables of KS X 1001, which ordinary Korean consists of.
fn is_hangul((first, second): (u8, u8)) -> bool {
    (0xb0..=0xc8).contains(&first) && second >= 0xa1
}

/// The Han letters of GB 2312 and its punctuation; not its kana.
fn is_common_chinese((first, second): (u8, u8)) -> bool {
    ((0xb0..=0xf7).contains(&first) || (0xa1..=0xa3).contains(&first)) && second >= 0xa1
}

/// Bytes of any encoding as UTF-8.
pub(super) struct Decoded<R> {
    inner: R,
    decoder: encoding_rs::Decoder,
    input: Vec<u8>,
    /// Decoded and not handed out yet, from `next` on.
    output: Vec<u8>,
    next: usize,
    is_at_end: bool,
}

impl<R> Decoded<R> {
    pub(super) fn new(inner: R, encoding: Encoding) -> Self {
        Self {
            inner,
            decoder: encoding.0.new_decoder_with_bom_removal(),
            input: vec![0; 1 << 16],
            output: Vec::new(),
            next: 0,
            is_at_end: false,
        }
    }
}

impl<R: Read> Read for Decoded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        while self.next == self.output.len() && !self.is_at_end {
            let n = self.inner.read(&mut self.input)?;
            self.is_at_end = n == 0;
            let needed = self.decoder.max_utf8_buffer_length(n).unwrap_or(4 * n + 16);
            self.output.resize(needed, 0);
            let (_, _, written, _) =
                self.decoder
                    .decode_to_utf8(&self.input[..n], &mut self.output, self.is_at_end);
            self.output.truncate(written);
            self.next = 0;
        }
        let n = buffer.len().min(self.output.len() - self.next);
        buffer[..n].copy_from_slice(&self.output[self.next..self.next + n]);
        self.next += n;
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KOREAN: &str = "시간,변형,상태\n2026-03-02,대조군,성공\n2026-03-02,실험군,실패\n";
    const CHINESE: &str = "时间,变体,状态\n2026-03-02,对照组,成功\n2026-03-02,实验组,失败\n";

    #[track_caller]
    fn check(bytes: &[u8], expected: Told) {
        assert_eq!(tell(bytes), expected, "{}", String::from_utf8_lossy(bytes));
    }

    fn certain(encoding: &'static encoding_rs::Encoding) -> Told {
        Told::Certain(Encoding(encoding))
    }

    #[test]
    fn korean_and_chinese_are_told_apart() {
        check(
            &encoding_rs::EUC_KR.encode(KOREAN).0,
            certain(encoding_rs::EUC_KR),
        );
        check(
            &encoding_rs::GB18030.encode(CHINESE).0,
            certain(encoding_rs::GB18030),
        );
        check(KOREAN.as_bytes(), certain(encoding_rs::UTF_8));
        check(CHINESE.as_bytes(), certain(encoding_rs::UTF_8));
        // Two letters prove nothing; neither do other languages in pairs.
        check(
            &encoding_rs::EUC_KR.encode("a,상태\n").0,
            Told::SomeDoubleByte,
        );
        check(
            &encoding_rs::SHIFT_JIS
                .encode("時間,変種,状態\nの,は,が\n")
                .0,
            Told::SomeDoubleByte,
        );
    }

    #[test]
    fn western_letters_and_damage_stay_with_the_reader() {
        check(b"caf\xe9,na\xefve,variant\n", certain(encoding_rs::UTF_8));
        check(
            "café,naïve,\u{fffd}".as_bytes(),
            certain(encoding_rs::UTF_8),
        );
    }

    #[test]
    fn utf_16_with_and_without_mark() {
        let le = |text: &str| {
            text.encode_utf16()
                .flat_map(u16::to_le_bytes)
                .collect::<Vec<_>>()
        };
        let be = |text: &str| {
            text.encode_utf16()
                .flat_map(u16::to_be_bytes)
                .collect::<Vec<_>>()
        };
        check(&le("\u{feff}a,b\n"), certain(encoding_rs::UTF_16LE));
        check(&be("\u{feff}a,b\n"), certain(encoding_rs::UTF_16BE));
        check(&le(KOREAN), certain(encoding_rs::UTF_16LE));
        check(&be(CHINESE), certain(encoding_rs::UTF_16BE));
        check(b"\x7fELF\0\0\x01\0", Told::Binary);
    }

    #[test]
    fn decoding_ends_where_the_text_ends() {
        let long = KOREAN.repeat(3000);
        let bytes = encoding_rs::EUC_KR.encode(&long).0.into_owned();
        let mut text = String::new();
        Decoded::new(bytes.as_slice(), Encoding(encoding_rs::EUC_KR))
            .read_to_string(&mut text)
            .unwrap();
        assert_eq!(text, long);
    }
}
