FROM a
HEALTHCHECK NONE
HEALTHCHECK cmd ["x"]
healthcheck CMD curl -f http://x || exit 1
