#!/bin/sh
# usage: scripts/lib/versions.sh
#
# Prints the versions that the tests run with: of tools as installed, of packages as pinned.
set -eu

cd "$(dirname "$0")/../.."

show() { printf '   %-28s %s\n' "$1" "$2"; }

tool() { # NAME COMMAND...
	name=$1
	shift
	command -v "$1" >/dev/null 2>&1 || return 0
	show "$name" "$("$@" 2>/dev/null | head -n 1)"
}

module() { show "$1" "$(go list -m -f '{{.Version}}' "$1")"; }

npm_package() { # FOLDER NAME
	show "$2" "$(node -p 'const [, lock, name] = process.argv;
		JSON.parse(require("fs").readFileSync(lock)).packages["node_modules/" + name].version' \
		"$1/package-lock.json" "$2")"
}

pinned() { show "$1" "$(sed -n 's/^version=\([^ ]*\).*/\1/p' "$2")"; }

tool go go version
tool node node --version
tool chromium chromium --version
tool java java --version
tool 'aws CLI' "${HARK_AWS_CLI:-aws}" --version
pinned 'DynamoDB Local' scripts/lib/dynamodb-local.sh
pinned ElasticMQ scripts/lib/elasticmq.sh
show MiniStack "$(sed -n 's/^ministack=\([^ ]*\).*/\1/p' scripts/localstack)"
for name in pusher-js laravel-echo pusher puppeteer-core; do
	npm_package localstack/e2e "$name"
done
npm_package . aws-cdk
for name in github.com/pusher/pusher-http-go/v5 github.com/aws/aws-cdk-go/awscdk/v2 \
	github.com/aws/aws-lambda-go github.com/aws/aws-sdk-go-v2 \
	github.com/aws/aws-sdk-go-v2/service/dynamodb github.com/aws/aws-sdk-go-v2/service/sqs; do
	module "$name"
done
golangci=$(sed -n 's|.*github.com/golangci/golangci-lint/v2 \(v[^ ]*\).*|\1|p' scripts/lint.mod)
show golangci-lint "$golangci"
