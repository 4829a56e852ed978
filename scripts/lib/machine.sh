# Installs on a fresh machine what scripts/test needs, which sources this file. It prints each step.
# It needs $cache, a folder outside the tree, and $work, a temporary one.
# shellcheck shell=sh

: "${cache:?}" "${work:?}"

awscli=1.45.11 # of PyPI: the aws command, version 1

# need COMMAND PACKAGE: notes the Debian package if the command is not there.
need() {
	command -v "$1" >/dev/null 2>&1 || missing="$missing $2"
}

# debian installs the packages that are missing, if this user may; else it prints what to type and
# stops.
debian() {
	missing=
	# for go test -race
	echo '#include <errno.h>' | cc -E - >/dev/null 2>&1 || missing="$missing gcc libc6-dev"
	need curl curl # a test runs the command in the banner as it is printed
	need java openjdk-17-jre-headless
	need mvn maven
	need shellcheck shellcheck
	command -v chromium >/dev/null || command -v google-chrome >/dev/null ||
		[ -n "${CHROMIUM:-}" ] || missing="$missing chromium"
	python3 -c 'import ensurepip, venv' >/dev/null 2>&1 || missing="$missing python3-venv"
	[ -n "$missing" ] || return 0
	if ! command -v apt-get >/dev/null; then
		say "missing, and there is no apt-get here:$missing"
		exit 1
	elif [ "$(id -u)" = 0 ]; then
		sudo=
	elif sudo -n true 2>/dev/null; then
		sudo='sudo -n'
	else
		say "missing packages; type this and start again:" \
			"sudo apt-get install -y --no-install-recommends$missing"
		exit 1
	fi
	say "apt-get install$missing"
	# shellcheck disable=SC2086 # split into words
	{
		$sudo apt-get update -qq
		DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends $missing
	} >"$work/apt.log" 2>&1 </dev/null || { cat "$work/apt.log"; exit 1; }
}

# tools stops if Go or Node is missing or Node is too old; this script does not install them.
tools() {
	command -v go >/dev/null || { say 'go is missing: 1.26 or later, see go.dev/dl'; exit 1; }
	command -v npm >/dev/null || { say 'node is missing: 20.19 or later, with npm'; exit 1; }
	node -e 'const [a, b] = process.versions.node.split(".");
		process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)' ||
		{ say "node $(node --version) is too old: 20.19 or later"; exit 1; }
}

# node_modules installs what package-lock.json pins, in the folder.
node_modules() {
	say "npm ci in $1"
	(cd "$1" && npm ci --no-audit --no-fund) >"$work/npm.log" 2>&1 </dev/null ||
		{ cat "$work/npm.log"; exit 1; }
}

# aws_cli makes HARK_AWS_CLI name an aws command of the pinned version.
aws_cli() {
	venv=$cache/awscli-$awscli
	if [ ! -x "$venv/bin/aws" ]; then
		say "pip install awscli==$awscli into $venv"
		{
			python3 -m venv "$venv" && "$venv/bin/pip" install -q "awscli==$awscli"
		} >"$work/pip.log" 2>&1 </dev/null || { cat "$work/pip.log"; rm -rf "$venv"; exit 1; }
	fi
	export HARK_AWS_CLI="$venv/bin/aws"
}

# referee NAME: starts the engine that ours is compared with, exports where it listens, and keeps
# its process ID in $referees, so that the caller can end it.
referee() {
	say "$1 (Maven brings it the first time)"
	"scripts/lib/$1.sh" "$cache/$1" >"$work/$1.env" 2>"$work/$1.log" </dev/null ||
		{ cat "$work/$1.log"; exit 1; }
	while IFS='=' read -r name value; do
		case $name in
		*_PID) referees="$referees $value" ;;
		HARK_*) export "$name=$value" ;;
		esac
	done <"$work/$1.env"
}
