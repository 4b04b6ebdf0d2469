//! Policy: the file, the facts, the rules, the exceptions and the decision.
