# Runs the steps of scripts/test, which sources this file, and counts the tests that they run. It
# needs $work, a temporary folder.
# shellcheck shell=sh

results=${work:?}/results # suite, passed, failed, skipped; one line each
: >"$results"
failed_steps=

say() { printf '   %s\n' "$*"; }

title() { printf '\n== %s\n' "$*"; }

# step NAME COMMAND...: runs the command, shows its output if it fails, and continues. In a lane it
# prints all of that in one piece when it has ended.
step() {
	if [ -z "${lane:-}" ]; then
		run_step "$@"
	else
		run_step "$@" >"$work/piece" 2>&1
		cat "$work/piece"
	fi
}

run_step() {
	name=$1
	shift
	title "$name"
	before=$(wc -l <"$results")
	began=$(date +%s)
	if "$@" >"$work/log" 2>&1 </dev/null; then
		outcome=ok
	else
		outcome=FAILED
		failed_steps="$failed_steps, $name"
		cat "$work/log"
	fi
	say "$outcome, $(($(date +%s) - began)) s"
	tail -n "+$((before + 1))" "$results" | while IFS='	' read -r suite passed failed skipped; do
		say "$suite: $passed passed, $failed failed, $skipped skipped"
	done
	[ "$outcome" = FAILED ] || grep -E '^--- .*: skip$' "$work/log" || true
}

# check NAME COMMAND...: a step that counts as one check.
check() {
	step "$@"
	if [ "$outcome" = ok ]; then
		printf '%s\t1\t0\t0\n' "$1" >>"$results"
	else
		printf '%s\t0\t1\t0\n' "$1" >>"$results"
	fi
}

# lanes FUNCTION...: runs functions at once, each of which runs steps one after another. It is for
# suites that wait for most of their time, each for a local cloud of its own.
lanes() {
	for name in "$@"; do run_lane "$name" & done
	wait
	for name in "$@"; do
		cat "$work/$name/results" >>"$results"
		[ ! -e "$work/$name/results.lines" ] || cat "$work/$name/results.lines" >>"$results.lines"
		if [ -e "$work/$name/failed" ]; then
			failed_steps="$failed_steps$(cat "$work/$name/failed")"
		else
			failed_steps="$failed_steps, $name"
		fi
	done
}

# run_lane FUNCTION: runs in a shell of its own, whose steps have files of their own.
run_lane() {
	lane=$1
	work=$work/$lane
	results=$work/results
	failed_steps=
	mkdir "$work"
	: >"$results"
	"$lane"
	printf '%s' "$failed_steps" >"$work/failed"
}

# go_tests FLAGS PACKAGES...: go test, counted by suite.
go_tests() {
	go test -json -count=1 -timeout 40m "$@" 2>&1 | node scripts/lib/count.mjs go "$results"
}

# node_tests SUITE FOLDER FILES...: node --test, counted as one suite. Files run one after another,
# because each has a local cloud. count.mjs decides whether it failed: on an emulator some failures
# are expected.
node_tests() {
	suite=$1
	folder=$2
	shift 2
	rm -f "$work/tap"
	(cd "$folder" && node --test --test-concurrency=1 \
		--test-reporter=spec --test-reporter-destination=stdout \
		--test-reporter=tap --test-reporter-destination="$work/tap" "$@") || true
	node scripts/lib/count.mjs tap "$suite" "$results" <"$work/tap"
}

# summary prints what ran, and fails unless all of it passed.
summary() {
	title 'Summary'
	awk -F '\t' '
		{
			printf "   %-46s %6d passed %4d failed %4d skipped\n", $1, $2, $3, $4
			p += $2; f += $3; s += $4
		}
		END {
			printf "\n%d passed, %d failed", p, f
			if (s > 0) printf ", %d skipped", s
			printf "\n"
			exit f > 0 || p == 0
		}' "$results" || return 1
	[ -z "$failed_steps" ]
}
