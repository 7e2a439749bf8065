//! Integration tests, one binary.

mod reference;
