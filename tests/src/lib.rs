//! Helpers shared by the tests of finbox.
