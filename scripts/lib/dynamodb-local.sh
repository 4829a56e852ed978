#!/bin/sh
# usage: scripts/lib/dynamodb-local.sh CACHE
#
# Starts AWS's DynamoDB Local, in memory on a free port of 127.0.0.1. The tests of
# localstack/cloud/dynamodb compare our engine with it. Its libraries come from Maven once and stay
# in the folder CACHE, as do its logs. When it answers, this script prints two lines for eval:
#     HARK_DYNAMODB_LOCAL=http://127.0.0.1:PORT
#     HARK_DYNAMODB_LOCAL_PID=PID
# The caller stops it: kill "$HARK_DYNAMODB_LOCAL_PID". It needs java (17 or later), mvn and curl.
set -eu

version=3.3.1

[ $# -eq 1 ] || { sed -n '2s/^# //p' "$0" >&2; exit 2; }
for tool in java mvn curl; do
	command -v "$tool" >/dev/null || { echo "dynamodb-local: $tool is missing" >&2; exit 1; }
done
mkdir -p "$1"
cache=$(cd "$1" && pwd)
lib=$cache/lib-$version

if [ ! -e "$lib/complete" ]; then
	cat >"$cache/pom.xml" <<-POM
		<project xmlns="http://maven.apache.org/POM/4.0.0">
		  <modelVersion>4.0.0</modelVersion>
		  <groupId>hark</groupId>
		  <artifactId>dynamodb-local</artifactId>
		  <version>1</version>
		  <dependencies>
		    <dependency>
		      <groupId>software.amazon.dynamodb</groupId>
		      <artifactId>DynamoDBLocal</artifactId>
		      <version>$version</version>
		    </dependency>
		  </dependencies>
		</project>
	POM
	mvn -q -B -f "$cache/pom.xml" dependency:copy-dependencies \
		-DincludeScope=runtime -DoutputDirectory="$lib" >&2
	touch "$lib/complete"
fi

# It does not accept port 0, and ends by itself if its port is taken. So guess a port, and trust an
# answer only while the process runs: another process may be answering there.
log=$(mktemp "$cache/log.XXXXXX")
port=$((20000 + $$ % 20000))
guesses=0
until [ $guesses -eq 5 ]; do
	java -Xmx512m -Djava.library.path="$lib" -cp "$lib/*" \
		software.amazon.dynamodb.services.local.main.ServerRunner \
		-inMemory -disableTelemetry -port $port >"$log" 2>&1 </dev/null &
	pid=$!
	tries=0
	while [ $tries -lt 60 ] && sleep 1 && kill -0 $pid 2>/dev/null; do
		if curl -s -o /dev/null "http://127.0.0.1:$port/" && sleep 1 &&
			kill -0 $pid 2>/dev/null; then
			echo "HARK_DYNAMODB_LOCAL=http://127.0.0.1:$port"
			echo "HARK_DYNAMODB_LOCAL_PID=$pid"
			exit 0
		fi
		tries=$((tries + 1))
	done
	kill $pid 2>/dev/null || true
	port=$((port + 1))
	guesses=$((guesses + 1))
done
echo "dynamodb-local: did not start" >&2
cat "$log" >&2
exit 1
