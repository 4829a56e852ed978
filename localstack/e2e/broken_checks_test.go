package e2e_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// What a socket promises when things break: the tests of broken_*_test.go. Each breaks something
// (localstack/README.md, "Making it break") and then compares what clients believe with the rows
// and with what the HTTP API answers. What is killed, throttled or answered 410 is chosen so
// narrowly that it strikes where the test says and nowhere else.

// hasWebhooks reports whether apps are told of their channels, for which functions send checks.
func hasWebhooks() bool { return hark.Queues["Checks"] != "" }

// usersOf are the users of rows.
func usersOf(rows map[string]subscription) []string {
	users := map[string]bool{}
	for _, s := range rows {
		users[s.user] = true
	}
	return slices.Sorted(maps.Keys(users))
}

// listed reports whether the app's list of occupied channels has this one.
func listed(t *testing.T, channel string) bool {
	t.Helper()
	a := get(t, "channels", "filter_by_prefix", channel)
	var list struct{ Channels map[string]any }
	if err := json.Unmarshal([]byte(a.Body), &list); err != nil || a.Status != 200 {
		t.Fatalf("list of channels: %d %s", a.Status, a.Body)
	}
	_, ok := list.Channels[channel]
	return ok
}

// agree waits until the channel is how these clients want it: each that wants to be on it has a
// row, settled, and believes so, nobody else has or does, the channel is listed if anybody is
// there, and on a presence channel each sees the users of the rows.
func agree(t *testing.T, channel string, all ...*reconnecting) {
	t.Helper()
	if differ := agreeWithin(t, patience, channel, all...); differ != "" {
		t.Errorf("%s: %s", channel, differ)
	}
}

// agreeWithin says in what they do not agree after that time; nothing if they do.
func agreeWithin(
	t *testing.T, within time.Duration, channel string, all ...*reconnecting,
) (differ string) {
	t.Helper()
	for end := time.Now().Add(within); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if differ = disagreement(t, channel, all); differ == "" {
			return ""
		}
	}
	return differ
}

// patiently is eventually for what may have to come out of the queue a second time, 15 seconds
// after the first.
func patiently(t *testing.T, ok func() bool, what string) {
	t.Helper()
	for end := time.Now().Add(2 * patience); time.Now().Before(end); time.Sleep(
		50 * time.Millisecond,
	) {
		if ok() {
			return
		}
	}
	t.Fatalf("not within %s: %s", 2*patience, what)
}

func disagreement(t *testing.T, channel string, all []*reconnecting) string {
	t.Helper()
	rows := rowsOf(t, channel)
	users := usersOf(rows)
	there := 0
	for _, r := range all {
		r.mu.Lock()
		wants := r.wants[channel] && !r.closed
		r.mu.Unlock()
		s, has := rows[r.connectionID()]
		switch {
		case wants != r.isOn(channel):
			return fmt.Sprintf("%s wants to be there: %v, believes to be there: %v", r.user, wants,
				!wants)
		case wants != has:
			return fmt.Sprintf("%s wants to be there: %v, has a row: %v", r.user, wants, has)
		case has && s.pending:
			return r.user + " is pending"
		case wants && strings.HasPrefix(channel, "presence-") &&
			!slices.Equal(r.sees(channel), users):
			return fmt.Sprintf("%s sees %v, there are %v", r.user, r.sees(channel), users)
		}
		if wants {
			there++
		}
	}
	if len(rows) != there {
		return fmt.Sprintf("%d rows, of %d clients: %v", len(rows), there, rows)
	}
	if got := listed(t, channel); got != (there > 0) {
		return fmt.Sprintf("listed: %v, though %d are there", got, there)
	}
	return ""
}

// expectNoRows has all of these clients go for good, sweep do what is left for it, and then waits
// until no row is left of their connections, nor of the channels.
func expectNoRows(t *testing.T, all []*reconnecting, channels ...string) {
	t.Helper()
	var ids []string
	for _, r := range all {
		r.close()
		ids = append(ids, r.connectionIDs()...)
	}
	sweepAll(t, ids)
	awaitNoRows(t, append(ids, channels...))
}

// awaitNoRows waits until no row has one of the words in its keys. If apps are told of their
// channels, what removes the last row of a channel is a check, which comes three seconds later.
func awaitNoRows(t *testing.T, words []string) {
	t.Helper()
	var left []string
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(
		100 * time.Millisecond,
	) {
		if left = rowsNaming(t, words); len(left) == 0 {
			return
		}
	}
	t.Errorf("%d rows are left: %v", len(left), left)
}

// rowsNaming are the rows with one of these words in their keys. Leases do not count: who has gone
// costs one look, and no more. Nor do the newest events of cache channels, which outlive their
// subscribers, and what an app was told is missing there.
func rowsNaming(t *testing.T, words []string) []string {
	t.Helper()
	return slices.DeleteFunc(rows(t), func(key string) bool {
		return strings.HasPrefix(key, "lease#") || strings.HasSuffix(key, " cache") ||
			strings.HasSuffix(key, " miss") ||
			!slices.ContainsFunc(words,
				func(word string) bool { return strings.Contains(key, word) })
	})
}

// sweepAll has sweep look at these connections as it would some minutes later: what left one of
// them in doubt, or failed, is tried again until nothing is in doubt.
func sweepAll(t *testing.T, ids []string) {
	t.Helper()
	for range 5 {
		eventually(t, func() bool { return !disconnecting(t) }, "the end of every $disconnect")
		left := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return !aged(t, id) })
		if len(left) == 0 {
			return
		}
		sweepNow(t, left)
	}
	t.Errorf("sweep does not get done with %v", ids)
}

// aged has the frames of a connection that has left a row be some minutes old. It reports false if
// there is no row.
func aged(t *testing.T, id string) bool {
	t.Helper()
	it, ok := find(t, "conn#"+id, "conn")
	if !ok {
		return false
	}
	older := func(name string) map[string]int64 {
		frames, _ := it[name].(map[string]any)
		all := map[string]int64{}
		for ch, stamp := range frames {
			ms, _ := stamp.(float64)
			all[ch] = int64(ms) - (5 * time.Minute).Milliseconds()
		}
		return all
	}
	_, err := tables().UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
		TableName:                 aws.String(hark.Tables["State"]),
		Key:                       item{"pk": "conn#" + id, "sk": "conn"}.attributes(t),
		UpdateExpression:          aws.String("SET #on = :on, #off = :off"),
		ConditionExpression:       aws.String("attribute_exists(pk)"),
		ExpressionAttributeNames:  map[string]string{"#on": "on", "#off": "off"},
		ExpressionAttributeValues: item{":on": older("on"), ":off": older("off")}.attributes(t),
	})
	if _, gone := errors.AsType[*types.ConditionalCheckFailedException](err); gone {
		return false
	}
	if err != nil {
		t.Fatal(err)
	}
	return true
}

// sweepNow has sweep look at these connections: their leases are put into a minute that has passed,
// and sweep runs until it is done with that minute.
func sweepNow(t *testing.T, ids []string) {
	t.Helper()
	minute := time.Now().Unix()/60 - 1
	expires := time.Now().Add(time.Hour).Unix()
	for _, id := range ids {
		put(t, "State", item{"pk": fmt.Sprintf("lease#%d#0", minute), "sk": id, "expires": expires})
	}
	put(t, "State", item{"pk": "sweep", "sk": "swept", "minute": minute - 1, "expires": expires})
	eventually(t, func() bool {
		if _, err := invoke(t.Context(), "sweep", []byte("{}")); err != nil {
			t.Error(err)
		}
		swept, ok := find(t, "sweep", "swept")
		last, _ := swept["minute"].(float64)
		return ok && int64(last) >= minute
	}, "sweep to be done with the minute")
}

// disconnecting reports whether a $disconnect may still be at work. Nothing tells when one is done;
// so it is said to be while the functions of frames and ends are being invoked.
func disconnecting(t *testing.T) bool {
	t.Helper()
	before := readMeter(t)["lambda.requests"]
	time.Sleep(calm)
	return readMeter(t)["lambda.requests"] != before
}

// gatewayErrors counts the answers to clients that were API Gateway's own JSON. Run what breaks
// between two calls: only a process of message that dies with a frame in hand may add one.
func gatewayErrors(t *testing.T) int {
	t.Helper()
	return int(readMeter(t)["apigateway.own_errors"])
}

// wantGatewayErrors fails unless there have been so many since.
func wantGatewayErrors(t *testing.T, before, want int) {
	t.Helper()
	if got := gatewayErrors(t) - before; got != want {
		t.Errorf("API Gateway answered %d frames itself, want %d", got, want)
	}
}

// strikes sets faults, does something, waits until so many have struck, and takes the faults away.
func strikes(t *testing.T, hits int, do func(), faults ...fault) {
	t.Helper()
	mend := breaks(t, faults...)
	do()
	eventually(t, func() bool { return faultHits(t) >= hits },
		fmt.Sprintf("%d strokes of %v", hits, faults))
	mend()
}

// ofFrames is the fault at each function that may get frames: with routes=named, subscribes have
// one of their own.
func ofFrames(f fault) []fault {
	var all []fault
	for _, function := range []string{"message", "subscribe"} {
		one := maps.Clone(f)
		one["function"] = function
		all = append(all, one)
	}
	return all
}
