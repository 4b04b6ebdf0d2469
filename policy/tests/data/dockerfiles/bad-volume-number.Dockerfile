FROM a
VOLUME ["/a", 1]
