#!/bin/sh
# usage: scripts/lib/elasticmq.sh CACHE
#
# Starts ElasticMQ on a free port of 127.0.0.1. The tests of localstack/cloud/sqs compare our engine
# with it. Its libraries come from Maven once and stay in the folder CACHE, as do its logs. When it
# answers, this script prints two lines for eval:
#     HARK_ELASTICMQ=http://127.0.0.1:PORT
#     HARK_ELASTICMQ_PID=PID
# The caller stops it: kill "$HARK_ELASTICMQ_PID". It needs java (17 or later) and mvn.
set -eu

version=1.6.14

[ $# -eq 1 ] || { sed -n '2s/^# //p' "$0" >&2; exit 2; }
for tool in java mvn; do
	command -v "$tool" >/dev/null || { echo "elasticmq: $tool is missing" >&2; exit 1; }
done
mkdir -p "$1"
cache=$(cd "$1" && pwd)

if [ ! -e "$cache/lib-$version/complete" ]; then
	cat >"$cache/pom.xml" <<-POM
		<project xmlns="http://maven.apache.org/POM/4.0.0">
		  <modelVersion>4.0.0</modelVersion>
		  <groupId>hark</groupId>
		  <artifactId>elasticmq</artifactId>
		  <version>1</version>
		  <dependencies>
		    <dependency>
		      <groupId>org.elasticmq</groupId>
		      <artifactId>elasticmq-server_2.13</artifactId>
		      <version>$version</version>
		    </dependency>
		  </dependencies>
		</project>
	POM
	mvn -q -B -f "$cache/pom.xml" dependency:copy-dependencies \
		-DoutputDirectory="$cache/lib-$version" >&2
	touch "$cache/lib-$version/complete"
fi

# Port 0 lets the system choose a free one, which is in the log.
run=$(mktemp -d "$cache/run.XXXXXX")
cat >"$run/elasticmq.conf" <<'CONF'
include classpath("application.conf")
rest-sqs { bind-hostname = "127.0.0.1", bind-port = 0, sqs-limits = strict }
rest-stats { enabled = false }
CONF
java -Dconfig.file="$run/elasticmq.conf" -cp "$cache/lib-$version/*" \
	org.elasticmq.server.Main >"$run/log" 2>&1 </dev/null &
pid=$!

tries=0
until port=$(sed -n 's/.*bind address 127\.0\.0\.1:\([0-9]*\),.*/\1/p' "$run/log") &&
	[ -n "$port" ] &&
	grep -q '=== ElasticMQ server .* started' "$run/log"; do
	tries=$((tries + 1))
	if [ $tries -gt 60 ] || ! kill -0 $pid 2>/dev/null; then
		echo "elasticmq: did not start" >&2
		cat "$run/log" >&2
		kill $pid 2>/dev/null || true
		exit 1
	fi
	sleep 1
done
echo "HARK_ELASTICMQ=http://127.0.0.1:$port"
echo "HARK_ELASTICMQ_PID=$pid"
