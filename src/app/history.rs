//! Undo and redo of the document: whole snapshots, one step per finished interaction.

use super::document::Document;

/// Steps kept.
const DEPTH: usize = 100;

/// Earlier and later states of the document.
#[derive(Debug, Default)]
pub struct History {
    settled: Document,
    undo: Vec<Document>,
    redo: Vec<Document>,
}

impl History {
    /// Records the document as a step when it changed and nothing is being dragged, so that a
    /// whole drag is one step.
    pub(super) fn settle(&mut self, document: &Document, is_dragging: bool) {
        if is_dragging || *document == self.settled {
            return;
        }
        self.undo
            .push(std::mem::replace(&mut self.settled, document.clone()));
        self.redo.clear();
        if self.undo.len() > DEPTH {
            self.undo.remove(0);
        }
    }

    /// Takes what the program itself wrote into the document as part of the last step.
    pub(super) fn amend(&mut self, document: &Document) {
        self.settled.clone_from(document);
    }

    /// Makes a newly opened log the first step: undo does not close it.
    pub(super) fn restart(&mut self, document: &Document) {
        *self = Self {
            settled: document.clone(),
            ..Self::default()
        };
    }

    /// Whether there is an earlier state.
    pub fn can_undo(&self) -> bool {
        !self.undo.is_empty()
    }

    /// Whether there is a later state.
    pub fn can_redo(&self) -> bool {
        !self.redo.is_empty()
    }

    /// Takes back the last change as if it had never been asked for.
    pub(super) fn discard_last(&mut self, document: &mut Document) {
        if *document == self.settled
            && let Some(earlier) = self.undo.pop()
        {
            self.settled = earlier;
        }
        *document = self.settled.clone();
    }

    pub(super) fn undo(&mut self, document: &mut Document) {
        if let Some(earlier) = self.undo.pop() {
            self.redo
                .push(std::mem::replace(&mut self.settled, earlier.clone()));
            *document = earlier;
        }
    }

    pub(super) fn redo(&mut self, document: &mut Document) {
        if let Some(later) = self.redo.pop() {
            self.undo
                .push(std::mem::replace(&mut self.settled, later.clone()));
            *document = later;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drag_is_one_step() {
        let mut history = History::default();
        let mut document = Document::default();
        for level in [0.90, 0.91, 0.92] {
            document.settings.level = level;
            history.settle(&document, true);
        }
        history.settle(&document, false);
        history.undo(&mut document);
        assert_eq!(document.settings.level, 0.95);
        assert!(!history.can_undo());
        history.redo(&mut document);
        assert_eq!(document.settings.level, 0.92);
        history.settle(&document, false);
        assert!(history.can_undo() && !history.can_redo());
    }
}
