//! Advisories: the index, the version orders, and the matcher that never fails open.
