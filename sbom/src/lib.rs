//! Inventories: what is aboard an image, and how it is written down for others.
