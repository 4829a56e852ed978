# Runs the steps of scripts/test, which sources this file, and counts what they ran. Needs $work, a temporary folder.
# shellcheck shell=sh

results=${work:?}/results # suite, passed, failed, skipped; one line each
: >"$results"
failed_steps=

say() { printf '   %s\n' "$*"; }

title() { printf '\n== %s\n' "$*"; }

# step NAME COMMAND...: runs the command, shows what it prints if it fails, and goes on.
step() {
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

# check NAME COMMAND...: a step that is one check by itself.
check() {
	step "$@"
	if [ "$outcome" = ok ]; then
		printf '%s\t1\t0\t0\n' "$1" >>"$results"
	else
		printf '%s\t0\t1\t0\n' "$1" >>"$results"
	fi
}

# go_tests FLAGS PACKAGES...: go test, counted by suite.
go_tests() {
	go test -json -count=1 -timeout 40m "$@" 2>&1 | node scripts/lib/count.mjs go "$results"
}

# node_tests SUITE FOLDER FILES...: node --test, counted as one suite. Files run one after another: each has a local cloud.
# Whether it failed is for the count to say: on an emulator some failures are expected.
node_tests() {
	suite=$1
	folder=$2
	shift 2
	rm -f "$work/tap"
	(cd "$folder" && node --test --test-concurrency=1 --test-reporter=spec --test-reporter-destination=stdout \
		--test-reporter=tap --test-reporter-destination="$work/tap" "$@") || true
	node scripts/lib/count.mjs tap "$suite" "$results" <"$work/tap"
}

# summary prints all that ran and returns whether all of it passed.
summary() {
	title 'Summary'
	awk -F '\t' '
		{ printf "   %-46s %6d passed %4d failed %4d skipped\n", $1, $2, $3, $4; p += $2; f += $3; s += $4 }
		END {
			printf "\n"
			if (s > 0) printf "%d passed, %d failed, %d skipped\n", p, f, s; else printf "%d passed, %d failed\n", p, f
			exit f > 0 || p == 0
		}' "$results" || return 1
	[ -z "$failed_steps" ]
}
