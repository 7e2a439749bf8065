//! The success and failure conditions of Argo Rollouts: comparisons of `result` with numbers,
//! joined by `&&`, `||` and `!`.

/// A condition on the result of a query.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expression {
    /// `result[0] cmp number`; the operator as written.
    Compare(String, f64),
    All(Vec<Self>),
    Any(Vec<Self>),
    Not(Box<Self>),
}

impl Expression {
    /// Reads a condition, or says which part of it is not supported.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut parser = Parser {
            tokens: tokens(text)?,
            next: 0,
        };
        let found = parser.any()?;
        match parser.peek() {
            None => Ok(found),
            Some(rest) => Err(format!(
                "{rest:?} is not expected in the condition {text:?}"
            )),
        }
    }

    /// The opposite, with the negations at the comparisons.
    pub(super) fn negated(self) -> Self {
        match self {
            Self::Compare(cmp, value) => Self::Compare(opposite(&cmp).to_owned(), value),
            Self::All(parts) => Self::Any(parts.into_iter().map(Self::negated).collect()),
            Self::Any(parts) => Self::All(parts.into_iter().map(Self::negated).collect()),
            Self::Not(inner) => *inner,
        }
    }
}

fn opposite(cmp: &str) -> &str {
    match cmp {
        ">" => "<=",
        ">=" => "<",
        "<" => ">=",
        "<=" => ">",
        "==" => "!=",
        _ => "==",
    }
}

fn mirrored(cmp: &str) -> &str {
    match cmp {
        ">" => "<",
        ">=" => "<=",
        "<" => ">",
        "<=" => ">=",
        other => other,
    }
}

fn tokens(text: &str) -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let symbol = [
            "&&", "||", ">=", "<=", "==", "!=", ">", "<", "!", "(", ")", "[", "]", ",",
        ]
        .into_iter()
        .find(|symbol| rest.starts_with(symbol));
        let length = match symbol {
            Some(symbol) => symbol.len(),
            None if first.is_alphanumeric() || matches!(first, '.' | '_' | '-' | '+') => rest
                .char_indices()
                .skip(1)
                .find(|(_, c)| !(c.is_alphanumeric() || matches!(c, '.' | '_')))
                .map_or(rest.len(), |(i, _)| i),
            None => {
                return Err(format!(
                    "{first:?} is not supported in the condition {text:?}"
                ));
            }
        };
        found.push(rest[..length].to_owned());
        rest = rest[length..].trim_start();
    }
    Ok(found)
}

/// A side of a comparison.
enum Operand {
    Result,
    Number(f64),
}

struct Parser {
    tokens: Vec<String>,
    next: usize,
}

impl Parser {
    fn peek(&self) -> Option<&str> {
        self.tokens.get(self.next).map(String::as_str)
    }

    fn take(&mut self, wanted: &[&str]) -> bool {
        let is_there = self.peek().is_some_and(|token| wanted.contains(&token));
        self.next += usize::from(is_there);
        is_there
    }

    fn expect(&mut self, wanted: &str) -> Result<(), String> {
        if self.take(&[wanted]) {
            Ok(())
        } else {
            Err(format!("the condition lacks {wanted:?}"))
        }
    }

    fn any(&mut self) -> Result<Expression, String> {
        let mut parts = vec![self.all()?];
        while self.take(&["||", "or"]) {
            parts.push(self.all()?);
        }
        Ok(joined(parts, Expression::Any))
    }

    fn all(&mut self) -> Result<Expression, String> {
        let mut parts = vec![self.unary()?];
        while self.take(&["&&", "and"]) {
            parts.push(self.unary()?);
        }
        Ok(joined(parts, Expression::All))
    }

    fn unary(&mut self) -> Result<Expression, String> {
        if self.take(&["!", "not"]) {
            return Ok(Expression::Not(Box::new(self.unary()?)));
        }
        if self.take(&["("]) {
            let inner = self.any()?;
            self.expect(")")?;
            return Ok(inner);
        }
        self.comparison()
    }

    fn comparison(&mut self) -> Result<Expression, String> {
        let left = self.operand()?;
        let cmp = match self.peek() {
            Some(cmp @ (">" | ">=" | "<" | "<=" | "==" | "!=")) => cmp.to_owned(),
            _ => return Err("the condition compares nothing".to_owned()),
        };
        self.next += 1;
        match (left, self.operand()?) {
            (Operand::Result, Operand::Number(value)) => Ok(Expression::Compare(cmp, value)),
            (Operand::Number(value), Operand::Result) => {
                Ok(Expression::Compare(mirrored(&cmp).to_owned(), value))
            }
            _ => Err("a comparison of the result with a number is needed".to_owned()),
        }
    }

    fn operand(&mut self) -> Result<Operand, String> {
        let token = self
            .peek()
            .ok_or("the condition ends too early")?
            .to_owned();
        self.next += 1;
        if let Ok(number) = token.parse::<f64>() {
            return Ok(Operand::Number(number));
        }
        if token != "result" {
            return Err(format!(
                "{token} is not supported in a condition; only result and numbers are"
            ));
        }
        if self.take(&["["]) {
            if !self.take(&["0"]) {
                return Err("only the first result, result[0], is supported".to_owned());
            }
            self.expect("]")?;
        }
        Ok(Operand::Result)
    }
}

fn joined(mut parts: Vec<Expression>, join: fn(Vec<Expression>) -> Expression) -> Expression {
    if parts.len() == 1 {
        parts.remove(0)
    } else {
        join(parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Expression) {
        assert_eq!(Expression::parse(text), Ok(expected), "{text}");
    }

    #[test]
    fn conditions_are_read_and_negated() {
        let compare = |cmp: &str, value| Expression::Compare(cmp.to_owned(), value);
        check("result[0] >= 0.95", compare(">=", 0.95));
        check("0.95 <= result", compare(">=", 0.95));
        check("result[0] < -1.5", compare("<", -1.5));
        let both =
            Expression::parse("result[0] >= 0.9 && !(result[0] > 1 || result[0] == 7)").unwrap();
        let Expression::Any(parts) = both.negated() else {
            panic!("the opposite of and is or");
        };
        assert_eq!(parts[0], compare("<", 0.9));
        assert_eq!(
            parts[1],
            Expression::Any(vec![compare(">", 1.0), compare("==", 7.0)])
        );
    }

    #[test]
    fn what_is_not_supported_is_named() {
        for (text, part) in [
            ("len(result) > 0", "len"),
            ("result[1] > 0", "result[0]"),
            ("result[0]", "compares nothing"),
            ("result[0] > 1 result", "not expected"),
            ("all(result, {# > 1})", "'{'"),
            ("", "ends too early"),
        ] {
            let error = Expression::parse(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
