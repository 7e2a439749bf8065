//! The forms of a report, told by the end of a file's name.

use std::path::Path;

use super::{ReportInput, document, html, json, markdown, pdf};
use crate::error::{Error, ErrorKind, Result};

/// What a report is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportForm {
    /// One page without scripts.
    Html,
    /// Pages for print and for files.
    Pdf,
    /// Text for repositories and tickets.
    Markdown,
    /// The same, short enough for a comment.
    ShortMarkdown,
    /// Every figure, unrounded.
    Json,
}

impl ReportForm {
    /// All forms that a file's name can ask for.
    pub const ALL: [Self; 4] = [Self::Html, Self::Pdf, Self::Markdown, Self::Json];

    /// As shown to people.
    pub fn label(self) -> &'static str {
        match self {
            Self::Html => "HTML",
            Self::Pdf => "PDF",
            Self::Markdown => "Markdown",
            Self::ShortMarkdown => "Markdown, short",
            Self::Json => "JSON",
        }
    }

    /// The end of a file's name, without the dot.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Html => "html",
            Self::Pdf => "pdf",
            Self::Markdown | Self::ShortMarkdown => "md",
            Self::Json => "json",
        }
    }

    /// The form that a file's name asks for.
    ///
    /// # Errors
    /// Endings that are none of a form.
    pub fn of_path(path: &Path) -> Result<Self> {
        let ending = path.extension().map(|e| e.to_string_lossy().to_lowercase());
        match ending.as_deref() {
            Some("html" | "htm") => Ok(Self::Html),
            Some("pdf") => Ok(Self::Pdf),
            Some("md" | "markdown") => Ok(Self::Markdown),
            Some("json") => Ok(Self::Json),
            // Such as /dev/stdout.
            None => Ok(Self::Html),
            Some(_) => Err(Error::new(
                ErrorKind::Settings,
                "The file's name does not say what to write",
            )
            .at(path)
            .hint("End it in .html, .pdf, .md or .json")),
        }
    }

    /// The report as the bytes of such a file.
    pub fn render(self, input: &ReportInput<'_>) -> Result<Vec<u8>> {
        Ok(match self {
            Self::Html => html::render(&document(input)).into_bytes(),
            Self::Pdf => pdf::render(&document(input))?,
            Self::Markdown => markdown::render(&document(input)).into_bytes(),
            Self::ShortMarkdown => markdown::short(&document(input)).into_bytes(),
            Self::Json => (json::shown(&json::render(input)?) + "\n").into_bytes(),
        })
    }
}
