# hadolint global ignore=DL3008
# plimsoll: except-file DF-030 until 2026-12-31 the orchestrator asks
FROM a
# plimsoll: except DF-083 until 2026-12-31 r
EXPOSE \
  # plimsoll: except DF-083 until 2026-12-31 r
  80
  # hadolint ignore=DL3002
USER root
RUN <<EOF
# plimsoll: except
EOF
