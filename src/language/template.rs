//! A text with places: `"{metric} is worse by {change}"`.

/// A text taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Template {
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Words(String),
    Place(Place),
}

/// Where a value stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) name: String,
    /// Written `{name!}`: comes from the log or the user, and is never translated.
    pub(super) is_verbatim: bool,
}

impl Template {
    pub(super) fn new(text: &str) -> Self {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((words, after)) = rest.split_once('{') {
            let Some((name, after)) = after.split_once('}') else {
                break;
            };
            if !words.is_empty() {
                pieces.push(Piece::Words(words.to_owned()));
            }
            pieces.push(Piece::Place(Place {
                name: name.trim_end_matches('!').to_owned(),
                is_verbatim: name.ends_with('!'),
            }));
            rest = after;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Words(rest.to_owned()));
        }
        Self { pieces }
    }

    pub(super) fn places(&self) -> impl Iterator<Item = &Place> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Place(place) => Some(place),
            Piece::Words(_) => None,
        })
    }

    /// Bytes of fixed words: of two templates that fit, the one with more says more.
    pub(super) fn n_fixed(&self) -> usize {
        let fixed = self.pieces.iter().map(|piece| match piece {
            Piece::Words(words) => words.len(),
            Piece::Place(_) => 0,
        });
        fixed.sum()
    }

    /// What stands at the places, in their order, where the text was made from this template. The
    /// earliest fit counts; no place is empty.
    pub(super) fn values<'t>(&self, text: &'t str) -> Option<Vec<&'t str>> {
        let mut values = Vec::new();
        fit(&self.pieces, text, &mut values).then_some(values)
    }

    /// Whether a value holds the template's own words: then it is several texts in a row.
    pub(super) fn is_again_in(&self, value: &str) -> bool {
        self.pieces.iter().any(|piece| match piece {
            Piece::Words(words) => words.len() >= 8 && value.contains(words.as_str()),
            Piece::Place(_) => false,
        })
    }

    /// The text with values at its places, by name.
    pub(super) fn filled<'v>(&self, value: impl Fn(&str) -> Option<&'v str>) -> String {
        let mut out = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Words(words) => out.push_str(words),
                Piece::Place(place) => out.push_str(value(&place.name).unwrap_or_default()),
            }
        }
        out
    }
}

fn fit<'t>(pieces: &[Piece], text: &'t str, values: &mut Vec<&'t str>) -> bool {
    match pieces {
        [] => text.is_empty(),
        [Piece::Words(words), rest @ ..] => text
            .strip_prefix(words.as_str())
            .is_some_and(|after| fit(rest, after, values)),
        [Piece::Place(_)] => {
            values.push(text);
            !text.is_empty()
        }
        [Piece::Place(_), Piece::Words(words), rest @ ..] => {
            for (at, found) in text.match_indices(words.as_str()).filter(|(at, _)| *at > 0) {
                let n = values.len();
                values.push(&text[..at]);
                if fit(rest, &text[at + found.len()..], values) {
                    return true;
                }
                values.truncate(n);
            }
            false
        }
        // Two places without a word between them cannot be told apart; a test forbids them.
        [Piece::Place(_), ..] => false,
    }
}
