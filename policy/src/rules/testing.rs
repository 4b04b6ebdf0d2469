//! What the tests of the rules have in common.
