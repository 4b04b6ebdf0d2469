#!/usr/bin/env bash
# Runs the gate as a step of a workflow: inputs come as INPUT_*, every report is written before the step fails,
# and the step ends with Plimsoll's own exit status.
set -euo pipefail

readonly RELEASES=https://github.com/plimsoll-dev/plimsoll/releases/download
# A step's summary over 1 MiB is dropped whole.
readonly SUMMARY_BYTES=900000
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# A word that nobody who wrote into an image or a report can have known.
random() {
  od -An -N16 -tx1 /dev/urandom | tr -d ' \n'
}

output() {
  local delimiter
  delimiter=$(random)
  printf '%s<<%s\n%s\n%s\n' "$1" "$delimiter" "$2" "$delimiter" >>"$GITHUB_OUTPUT"
}

# Ends the step where there is nothing to judge, or nothing to judge it with.
stop() {
  printf 'error: %s\n' "$2" >&2
  output verdict "$(verdict "$1")"
  output exit-status "$1"
  exit "$1"
}

# The binary: the one that was named, else the release this action is pinned to, else the one on the PATH.
find_binary() {
  if [[ -n ${INPUT_BINARY_PATH:-} ]]; then
    [[ -x $INPUT_BINARY_PATH ]] || stop 2 "input binary-path: no program at \`$INPUT_BINARY_PATH\`"
    printf '%s\n' "$INPUT_BINARY_PATH"
    return
  fi
  local status=0
  "$here/install.sh" "$here/SHA256SUMS" "$RELEASES" "${RUNNER_TOOL_CACHE:-$RUNNER_TEMP}/plimsoll" || status=$?
  case $status in
    0) ;;
    66)
      command -v plimsoll ||
        stop 2 "this version of the action is pinned to no binary for $(uname -sm): set the input binary-path, or put \`plimsoll\` on the PATH"
      ;;
    *) stop 3 "cannot fetch the binary that this version of the action is pinned to" ;;
  esac
}

verdict() {
  case $1 in
    0 | 4) echo passed ;;
    1) echo blocked ;;
    3) echo undecided ;;
    *) echo error ;;
  esac
}

# The path of a report, where it was written.
output_report() {
  if [[ -s $2 ]]; then output "$1" "$2"; else output "$1" ""; fi
}

# The digest of the image: a line of its own, two levels deep, which no text from an image can imitate.
output_digest() {
  local digest=""
  if [[ -s $json ]]; then
    digest=$(sed -n '/^  "image": {$/,/^  }/s/^    "digest": "\(sha256:[0-9a-f]\{64\}\)",\{0,1\}$/\1/p' "$json")
  fi
  output digest "$digest"
}

# As many whole lines of the report as a summary takes.
summarize() {
  [[ -s $markdown ]] || return 0
  LC_ALL=C awk -v limit="$SUMMARY_BYTES" '
    (size += length($0) + 1) > limit { print "\n*Cut here: the whole report is the file that the output `markdown` names.*"; exit }
    { print }' "$markdown" >>"${GITHUB_STEP_SUMMARY:-/dev/null}"
}

# The policy of a pull request is that of its base, which a checkout of one commit does not have. Where it can not be
# fetched, Plimsoll says so.
fetch_base() {
  [[ ${GITHUB_EVENT_NAME:-} == pull_request* && -n ${GITHUB_BASE_REF:-} ]] || return 0
  git rev-parse --git-dir >/dev/null 2>&1 || return 0
  local branch=refs/remotes/origin/$GITHUB_BASE_REF
  # What an earlier job left there may be old.
  git fetch --quiet --no-tags --depth=1 origin "+refs/heads/$GITHUB_BASE_REF:$branch" ||
    git update-ref -d "$branch" || true
}

case ${INPUT_FAIL:=true} in
  true | false) ;;
  *) stop 2 "input fail: expected \`true\` or \`false\`, found \`$INPUT_FAIL\`" ;;
esac
[[ -n ${INPUT_SUBJECT:-} ]] || stop 2 "input subject: nothing to judge"
binary=$(find_binary)
fetch_base

directory=${INPUT_OUTPUT_DIR:-$(mktemp -d "$RUNNER_TEMP/plimsoll.XXXXXX")}
mkdir -p "$directory"
json=$directory/plimsoll.json
sarif=$directory/plimsoll.sarif
cyclonedx=$directory/sbom.cdx.json
spdx=$directory/sbom.spdx.json
markdown=$directory/plimsoll.md
rm -f "$json" "$sarif" "$cyclonedx" "$spdx" "$markdown"

arguments=(run --no-progress)
[[ -z ${INPUT_CONFIG:-} ]] || arguments+=("--config=$INPUT_CONFIG")
[[ -z ${INPUT_DB:-} ]] || arguments+=("--db=$INPUT_DB")
[[ -z ${INPUT_KEY:-} ]] || arguments+=("--key=$INPUT_KEY")
[[ -z ${INPUT_PROMOTE_TO:-} ]] || arguments+=("--promote-to=$INPUT_PROMOTE_TO")
while IFS= read -r path; do
  [[ -z $path ]] || arguments+=("--advisories=$path")
done <<<"${INPUT_ADVISORIES:-}"
arguments+=(--output=table "--output=json=$json" "--output=sarif=$sarif" "--output=markdown=$markdown")
arguments+=("--output=cyclonedx-json=$cyclonedx" "--output=spdx-json=$spdx" -- "$INPUT_SUBJECT")

# Names of packages and texts of advisories go to the log: none of them may be taken for a command to the runner.
token=$(random)
printf '::stop-commands::%s\n' "$token"
status=0
"$binary" "${arguments[@]}" || status=$?
printf '::%s::\n' "$token"

output verdict "$(verdict "$status")"
output exit-status "$status"
output_digest
output_report json "$json"
output_report sarif "$sarif"
output_report cyclonedx "$cyclonedx"
output_report spdx "$spdx"
output_report markdown "$markdown"
summarize

# Only a judged image can be let through by a report-only step: what could not be told is never fine.
if [[ $status -eq 1 && $INPUT_FAIL == false ]]; then
  exit 0
fi
exit "$status"
