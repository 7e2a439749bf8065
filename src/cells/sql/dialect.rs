//! What engines write differently, as data.

use crate::error::{Error, ErrorKind, Result};

/// How one engine writes what the queries need beyond common SQL. `{}` stands for an expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dialect {
    /// Its name on the command line.
    pub name: &'static str,
    /// Around names.
    quote: char,
    /// Whether a backslash in a text has to be doubled.
    escapes_backslash: bool,
    /// A double, NULL where the value is no number.
    pub(super) to_double: &'static str,
    pub(super) to_text: &'static str,
    pub(super) to_long: &'static str,
    pub(super) to_int: &'static str,
    /// Microseconds since 1970 of a stamp; NULL where it is none.
    pub(super) typed_stamp_us: &'static str,
    pub(super) text_stamp_us: &'static str,
    /// A 32-bit NULL.
    pub(super) no_int: &'static str,
    /// A 64-bit NULL.
    pub(super) no_long: &'static str,
    /// What follows the name of a common table expression that is read more than once: most engines keep
    /// its result by themselves.
    pub(super) kept_as: &'static str,
    /// At the end of a query.
    pub(super) suffix: &'static str,
}

/// All of them, those that tests run first.
pub const DIALECTS: [Dialect; 5] = [
    Dialect {
        name: "duckdb",
        quote: '"',
        escapes_backslash: false,
        to_double: "TRY_CAST({} AS DOUBLE)",
        to_text: "CAST({} AS VARCHAR)",
        to_long: "CAST({} AS BIGINT)",
        to_int: "CAST({} AS INTEGER)",
        typed_stamp_us: "epoch_us({})",
        text_stamp_us: "epoch_us(TRY_CAST({} AS TIMESTAMPTZ))",
        no_int: "CAST(NULL AS INTEGER)",
        no_long: "CAST(NULL AS BIGINT)",
        kept_as: "AS",
        suffix: "",
    },
    Dialect {
        name: "spark",
        quote: '`',
        escapes_backslash: true,
        to_double: "TRY_CAST({} AS DOUBLE)",
        to_text: "CAST({} AS STRING)",
        to_long: "CAST({} AS BIGINT)",
        to_int: "CAST({} AS INT)",
        typed_stamp_us: "UNIX_MICROS({})",
        text_stamp_us: "UNIX_MICROS(TRY_CAST({} AS TIMESTAMP))",
        no_int: "CAST(NULL AS INT)",
        no_long: "CAST(NULL AS BIGINT)",
        kept_as: "AS",
        suffix: "",
    },
    Dialect {
        name: "clickhouse",
        quote: '`',
        escapes_backslash: true,
        to_double: "toFloat64OrNull(toString({}))",
        to_text: "toString({})",
        to_long: "CAST({} AS Nullable(Int64))",
        to_int: "CAST({} AS Nullable(Int32))",
        typed_stamp_us: "toUnixTimestamp64Micro(toDateTime64({}, 6))",
        text_stamp_us: "toUnixTimestamp64Micro(parseDateTime64BestEffortOrNull({}, 6, 'UTC'))",
        no_int: "CAST(NULL AS Nullable(Int32))",
        no_long: "CAST(NULL AS Nullable(Int64))",
        kept_as: "AS MATERIALIZED",
        suffix: "\nSETTINGS group_by_use_nulls = 1, join_use_nulls = 1, enable_materialized_cte = 1, max_ast_elements = 10000000, max_expanded_ast_elements = 100000000",
    },
    Dialect {
        name: "trino",
        quote: '"',
        escapes_backslash: false,
        to_double: "TRY_CAST({} AS DOUBLE)",
        to_text: "CAST({} AS VARCHAR)",
        to_long: "CAST({} AS BIGINT)",
        to_int: "CAST({} AS INTEGER)",
        typed_stamp_us: "CAST(FLOOR(to_unixtime({}) * 1e6 + 5e-1) AS BIGINT)",
        text_stamp_us: "CAST(FLOOR(to_unixtime(TRY(from_iso8601_timestamp({}))) * 1e6 + 5e-1) AS BIGINT)",
        no_int: "CAST(NULL AS INTEGER)",
        no_long: "CAST(NULL AS BIGINT)",
        kept_as: "AS",
        suffix: "",
    },
    Dialect {
        name: "bigquery",
        quote: '`',
        escapes_backslash: true,
        to_double: "SAFE_CAST({} AS FLOAT64)",
        to_text: "CAST({} AS STRING)",
        to_long: "CAST({} AS INT64)",
        to_int: "CAST({} AS INT64)",
        typed_stamp_us: "UNIX_MICROS({})",
        text_stamp_us: "UNIX_MICROS(SAFE_CAST({} AS TIMESTAMP))",
        no_int: "CAST(NULL AS INT64)",
        no_long: "CAST(NULL AS INT64)",
        kept_as: "AS",
        suffix: "",
    },
];

impl Dialect {
    /// The dialect of an engine.
    pub fn of_name(name: &str) -> Result<Self> {
        let found = DIALECTS.into_iter().find(|dialect| dialect.name == name);
        found.ok_or_else(|| {
            let names: Vec<&str> = DIALECTS.iter().map(|dialect| dialect.name).collect();
            let message = format!("\"{name}\" is no engine that queries can be written for");
            Error::new(ErrorKind::Settings, message)
                .hint(format!("The engines are: {}", names.join(", ")))
        })
    }

    /// A column's name, quoted.
    pub(super) fn column(&self, name: &str) -> String {
        let quote = self.quote;
        let doubled: String = [quote, quote].iter().collect();
        format!("{quote}{}{quote}", name.replace(quote, &doubled))
    }

    /// A text.
    pub(super) fn text(&self, text: &str) -> String {
        let text = if self.escapes_backslash {
            text.replace('\\', "\\\\").replace('\'', "\\'")
        } else {
            text.replace('\'', "''")
        };
        format!("'{text}'")
    }

    /// A list of texts, in brackets.
    pub(super) fn texts<'t>(&self, texts: impl IntoIterator<Item = &'t str>) -> String {
        let texts: Vec<String> = texts.into_iter().map(|text| self.text(text)).collect();
        format!("({})", texts.join(", "))
    }
}

/// A template with an expression in its place.
pub(super) fn with(template: &str, expression: &str) -> String {
    template.replace("{}", expression)
}

/// A number that every engine takes for a double.
pub(super) fn double(value: f64) -> String {
    format!("{value:e}")
}
