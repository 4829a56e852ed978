# The commands of scripts/localstack, which sources this file. It needs steps.sh, machine.sh, and
# $cache, $state, $work, $since, $ministack. It sets $started to what must be ended on a failure.
# shellcheck shell=sh

: "${cache:?}" "${state:?}" "${work:?}" "${since:?}" "${ministack:?}"

# note prints what happens, with the seconds since the start.
note() { printf '[%4d s] %s\n' "$(($(date +%s) - since))" "$*"; }

stop_with() {
	note "$*" >&2
	exit 1
}

# quietly LOG COMMAND...: runs a command and shows what it printed if it fails.
quietly() {
	log=$1
	shift
	"$@" >"$log" 2>&1 </dev/null && return
	cat "$log"
	stop_with "failed: $*"
}

# credentials sets credentials that belong to no user. What runs here must not use the credentials
# of the user, or any endpoint but the emulator's.
credentials() {
	unset AWS_PROFILE AWS_SESSION_TOKEN AWS_ENDPOINT_URL_S3
	export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test
	export AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1
	export AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null
	export AWS_EC2_METADATA_DISABLED=true
	export AWS_ENDPOINT_URL="$1"
}

# python stops on a machine that cannot make a venv, and prints what to type.
python() {
	python3 -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 10))' 2>/dev/null &&
		return
	stop_with 'SKIPPED, nothing was tested: the emulator needs Python 3.10 or later with venv.' \
		'Type: sudo apt-get install -y python3-venv.' \
		'Or name an emulator that runs already in HARK_EMULATOR'
}

# alive NAME: whether the process in NAME.pid still runs and was started by scripts/localstack.
alive() {
	[ -s "$state/$1.pid" ] || return 1
	case $(ps -o args= -p "$(cat "$state/$1.pid")" 2>/dev/null) in
	*"$cache"*) ;;
	*) return 1 ;;
	esac
}

# stop NAME: ends a process that was started here and waits for it; whatever it started ends with
# it.
stop() {
	if alive "$1"; then
		pid=$(cat "$state/$1.pid")
		kill "$pid" 2>/dev/null || true
		tries=0
		while alive "$1"; do
			tries=$((tries + 1))
			[ $tries -lt 100 ] || kill -9 "$pid" 2>/dev/null || true
			sleep 0.1
		done
		note "$1 ended"
	fi
	rm -f "$state/$1.pid"
}

stop_emulator() {
	stop front
	stop ministack
	rm -rf "$state"
}

up() {
	! alive ministack || stop_with 'an emulator is up already; scripts/localstack down ends it'
	started=emulator
	rm -rf "$state"
	mkdir -p "$state/tmp"
	if [ -n "${HARK_EMULATOR:-}" ]; then
		printf '%s\n' "${HARK_EMULATOR%/}" >"$state/endpoint"
		[ "${AUTH:-}" != true ] || touch "$state/auth"
		curl -s -o "$work/health" "${HARK_EMULATOR%/}/_localstack/health" ||
			stop_with "nothing answers at $HARK_EMULATOR"
		note "emulator at $HARK_EMULATOR; it is not ended by down"
		return
	fi
	python
	auth=${AUTH:-false}
	venv=$cache/ministack-$ministack
	if [ ! -e "$venv/complete" ]; then
		note "pip install ministack==$ministack into $venv"
		quietly "$work/venv.log" python3 -m venv --clear "$venv"
		quietly "$work/pip.log" "$venv/bin/pip" install -q --disable-pip-version-check \
			"ministack==$ministack"
		touch "$venv/complete"
	fi
	start_ministack
	enforced=
	[ "$auth" != true ] || enforced=', IAM enforced'
	note "MiniStack $ministack at $(cat "$state/endpoint")$enforced; log: $state/ministack.log"
}

# start_ministack takes a free port. Another process may be faster, so it tries again.
start_ministack() {
	for _ in 1 2 3; do
		port=$("$venv/bin/python" -c 'import socket
s = socket.socket()
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])')
		endpoint=http://127.0.0.1:$port
		# Its functions get this endpoint, and these credentials where it does not enforce IAM.
		(
			credentials "$endpoint"
			export BIND_HOST=127.0.0.1 GATEWAY_PORT="$port" AUTH="$auth" TMPDIR="$state/tmp"
			exec nohup "$venv/bin/ministack" >"$state/ministack.log" 2>&1 </dev/null
		) &
		echo $! >"$state/ministack.pid"
		tries=0
		while [ $tries -lt 60 ] && kill -0 "$(cat "$state/ministack.pid")" 2>/dev/null; do
			if grep -q 'Running on' "$state/ministack.log" 2>/dev/null; then
				echo "$endpoint" >"$state/endpoint"
				[ "$auth" != true ] || touch "$state/auth"
				return
			fi
			tries=$((tries + 1))
			sleep 0.5
		done
	done
	cat "$state/ministack.log"
	stop_with 'MiniStack does not start'
}

# emulator stops unless one is up, and reads where.
emulator() {
	[ -s "$state/endpoint" ] || stop_with 'no emulator is up: scripts/localstack up'
	endpoint=$(cat "$state/endpoint")
	[ ! -e "$state/ministack.pid" ] || alive ministack ||
		stop_with 'the emulator has ended: scripts/localstack up'
	credentials "$endpoint"
}

# cdk COMMAND...: the CLI on the assembly in $state, which synth has made.
cdk() { npx cdk --app "$state/cdk.out" --output "$state/cdk.tmp" "$@"; }

deploy() {
	emulator
	node -e '' || stop_with 'node is missing: 20.19 or later, with npm'
	[ -x node_modules/.bin/cdk ] || node_modules .
	# Where IAM is enforced, MiniStack does not let the CLI publish by the roles that bootstrapping
	# makes.
	set -- --context "callbackBase=${HARK_CALLBACKS:-$endpoint/_aws/execute-api}"
	[ ! -e "$state/auth" ] || set -- "$@" --context synthesizer=cli
	echo "$*" >"$state/context"
	note 'npx cdk synth, with functions for this machine'
	HARK_BUILD=${HARK_BUILD:-host} quietly "$work/synth.log" \
		npx cdk synth --quiet --output "$state/cdk.out" "$@"
	note 'npx cdk bootstrap'
	quietly "$work/bootstrap.log" cdk bootstrap aws://000000000000/us-east-1
	note 'npx cdk deploy'
	quietly "$work/deploy.log" \
		cdk deploy Hark --require-approval never --outputs-file "$state/outputs.json"
	[ ! -e "$state/auth" ] || allow_batches
	note 'scripts/app add, the front'
	scripts/app add -id "referee-$$" -table "$(output AppsTable)" >"$state/app"
	quietly "$work/build.log" go build -o "$state/front" ./localstack/front
	start_front
	note 'deployed'
	say "clients and publishers   $(cat "$state/url")"
	say "AWS                      $endpoint"
	say "outputs, app and logs    $state: outputs.json, app, *.log"
	say "the suites by hand       HARK_URL=$(cat "$state/url") HARK_APP_ID=$(app ID)" \
		"HARK_APP_KEY=$(app KEY) HARK_APP_SECRET=... go test ./localstack/e2e"
}

# allow_batches works around a bug of MiniStack. On AWS, SendMessage also allows SendMessageBatch,
# which has no action of its own (SQS Developer Guide, Amazon SQS batch actions: Permissions).
# Nothing else in the stack's policies is changed.
allow_batches() {
	aws_cli
	for id in ApiRole MessageRole DisconnectRole BroadcastRole SweepRole; do
		role=$("$HARK_AWS_CLI" cloudformation describe-stack-resource \
			--stack-name Hark --logical-resource-id "$id" \
			--query StackResourceDetail.PhysicalResourceId --output text)
		note "SendMessageBatch for $role," \
			"which MiniStack takes for an action (on AWS it is SendMessage)"
		statement='{"Effect":"Allow","Action":"sqs:SendMessageBatch","Resource":"*"}'
		"$HARK_AWS_CLI" iam put-role-policy --role-name "$role" --policy-name batches \
			--policy-document '{"Version":"2012-10-17","Statement":['"$statement"']}'
	done
}

# start_front stands in for CloudFront on a free port.
start_front() {
	stop front
	[ -n "$started" ] || started=front
	nohup "$state/front" -emulator "$endpoint" -sockets "${HARK_SOCKETS:-}" \
		>"$state/url" 2>"$state/front.log" </dev/null &
	echo $! >"$state/front.pid"
	tries=0
	until [ -s "$state/url" ]; do
		tries=$((tries + 1))
		if [ $tries -gt 100 ] || ! kill -0 "$(cat "$state/front.pid")" 2>/dev/null; then
			cat "$state/front.log"
			stop_with 'the front does not start'
		fi
		sleep 0.1
	done
}

# output NAME: an output of the stack.
output() {
	node -p 'JSON.parse(require("fs").readFileSync(process.argv[1])).Hark[process.argv[2]]' \
		"$state/outputs.json" "$1"
}

# app NAME: a credential of the app, as scripts/app printed it.
app() { sed -n "s/^REVERB_APP_$1=//p" "$state/app"; }

run_tests() {
	emulator
	alive front || stop_with 'nothing is deployed: scripts/localstack deploy'
	[ -d localstack/e2e/node_modules ] || node_modules localstack/e2e
	aws_cli
	HARK_URL=$(cat "$state/url")
	HARK_APP_ID=$(app ID) HARK_APP_KEY=$(app KEY) HARK_APP_SECRET=$(app SECRET)
	HARK_DIFFERENCES=${HARK_DIFFERENCES:-$PWD/localstack/e2e/testdata/differences.json}
	HARK_EMULATOR_URL=$endpoint HARK_CDK_CONTEXT=$(cat "$state/context")
	export HARK_URL HARK_APP_ID HARK_APP_KEY HARK_APP_SECRET
	export HARK_DIFFERENCES HARK_EMULATOR_URL HARK_CDK_CONTEXT
	step 'There: frames and requests by hand' \
		go_tests -skip "$(node scripts/lib/differences.mjs skip)" ./localstack/e2e
	step 'There: pusher-js, Echo, npm pusher' \
		there 'clients: pusher-js, Echo, npm pusher' pusher-js.test.mjs echo.test.mjs
	if command -v chromium >/dev/null || command -v google-chrome >/dev/null ||
		[ -n "${CHROMIUM:-}" ]; then
		step 'There: Echo in Chromium' there 'browser: Echo in Chromium' browser.test.mjs
	else
		title 'There: Echo in Chromium'
		say 'SKIPPED: no chromium here; type sudo apt-get install -y chromium'
	fi
	step 'Our cloud and theirs, call by call' go_tests ./localstack/referee
	step 'Deployments: again, a change, a failure, the end' there 'deployments' deploy.test.mjs
	[ -z "$failed_steps" ] || title "Failed: ${failed_steps#, }"
	summary
}

# there SUITE FILES...: node --test against the emulator.
there() {
	suite=$1
	shift
	node_tests "$suite, on the emulator" localstack/e2e "$@"
}

down() {
	stop front
	if [ -d "$state/cdk.out" ] && [ ! -e "$state/ministack.pid" ]; then
		emulator
		note 'npx cdk destroy'
		quietly "$work/destroy.log" cdk destroy Hark --force
	fi
	stop_emulator
}
