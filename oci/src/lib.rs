//! Images: where they are read, how their layers become a tree, how they are copied.
