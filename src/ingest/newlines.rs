//! Line ends of any kind as line feeds.

use std::io::Read;

/// Line ends of any kind as one line feed each, and one at the end of the file, so that lines can
/// be counted.
pub(super) struct PlainNewlines<R> {
    inner: R,
    after_return: bool,
    is_line_open: bool,
    has_closed_line: bool,
}

impl<R> PlainNewlines<R> {
    pub(super) fn new(inner: R) -> Self {
        Self {
            inner,
            after_return: false,
            is_line_open: false,
            has_closed_line: false,
        }
    }

    /// Whether the file ended within a line, and a line feed was added.
    pub(super) fn has_closed_line(&self) -> bool {
        self.has_closed_line
    }
}

impl<R: Read> Read for PlainNewlines<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        loop {
            let n = self.inner.read(buffer)?;
            if n == 0 {
                let is_last = std::mem::take(&mut self.is_line_open) && !buffer.is_empty();
                if is_last {
                    buffer[0] = b'\n';
                    self.has_closed_line = true;
                }
                return Ok(usize::from(is_last));
            }
            let mut kept = n;
            if self.after_return || buffer[..n].contains(&b'\r') {
                kept = 0;
                for i in 0..n {
                    let byte = buffer[i];
                    let is_second_half = byte == b'\n' && self.after_return;
                    self.after_return = byte == b'\r';
                    if !is_second_half {
                        buffer[kept] = if byte == b'\r' { b'\n' } else { byte };
                        kept += 1;
                    }
                }
            }
            if kept > 0 {
                self.is_line_open = buffer[kept - 1] != b'\n';
                return Ok(kept);
            }
        }
    }
}
