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

// Helpers of broken_*_test.go, the tests of what clients may rely on when things break. Each test
// breaks something (localstack/README.md, "Making it break"), then compares what clients believe
// with the rows and with the answers of the HTTP API. Faults are so narrow that they strike only
// where the test says.

// hasWebhooks reports whether the stack has webhooks; then functions also send checks.
func hasWebhooks() bool { return hark.Queues["Checks"] != "" }

// usersOf returns the users of rows.
func usersOf(rows map[string]subscription) []string {
	users := map[string]bool{}
	for _, s := range rows {
		users[s.user] = true
	}
	return slices.Sorted(maps.Keys(users))
}

// listed reports whether the HTTP API lists the channel as occupied.
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

// agree waits until the channel is as these clients want it. Each client that wants to be on it has
// a settled row and believes to be subscribed; no other client has a row; the channel is listed if
// it has subscribers; and on a presence channel each client sees the users of the rows.
func agree(t *testing.T, channel string, all ...*reconnecting) {
	t.Helper()
	if differ := agreeWithin(t, patience, channel, all...); differ != "" {
		t.Errorf("%s: %s", channel, differ)
	}
}

// agreeWithin waits like agree, for the given time. It returns the disagreement that is left, or
// the empty string.
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

// patiently is eventually for something that may need a redelivery by the queue, after 15 seconds.
func patiently(t *testing.T, ok func() bool, what string) {
	t.Helper()
	for end := time.Now().Add(2 * patience); time.Now().Before(end); {
		if ok() {
			return
		}
		time.Sleep(50 * time.Millisecond)
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

// expectNoRows closes all of these clients, makes sweep do the rest, and waits until no row of
// their connections or of the channels is left.
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

// awaitNoRows waits until no row has one of these texts in its keys. If the stack has webhooks, the
// last row of a channel is removed by a check, three seconds later.
func awaitNoRows(t *testing.T, texts []string) {
	t.Helper()
	var left []string
	for end := time.Now().Add(patience); time.Now().Before(end); {
		if left = rowsNaming(t, texts); len(left) == 0 {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Errorf("%d rows are left: %v", len(left), left)
}

// rowsNaming returns the rows with one of these texts in their keys. It leaves out leases, which
// stay until sweep reaches them, and what outlives the subscribers of a cache channel: its newest
// event and the row of an announced cache_miss.
func rowsNaming(t *testing.T, texts []string) []string {
	t.Helper()
	return slices.DeleteFunc(rows(t), func(key string) bool {
		return strings.HasPrefix(key, "lease#") || strings.HasSuffix(key, " cache") ||
			strings.HasSuffix(key, " miss") ||
			!slices.ContainsFunc(texts,
				func(text string) bool { return strings.Contains(key, text) })
	})
}

// sweepAll makes sweep look at these connections as if some minutes had passed. It repeats that
// until no row of them is left that is in doubt or could not be removed.
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

// aged makes the frames of a connection some minutes older. It reports false if the connection has
// no row.
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

// sweepNow makes sweep look at these connections: it puts their leases into a past minute and runs
// sweep until it has finished that minute.
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

// disconnecting reports whether a $disconnect may still be at work. Nothing announces the end of
// one, so it reports true while functions are being invoked.
func disconnecting(t *testing.T) bool {
	t.Helper()
	before := readMeter(t)["lambda.requests"]
	time.Sleep(calm)
	return readMeter(t)["lambda.requests"] != before
}

// gatewayErrors counts the frames that API Gateway itself has answered, with its own JSON. A test
// compares the counts before and after its faults: only a function that dies with a frame may add
// one.
func gatewayErrors(t *testing.T) int {
	t.Helper()
	return int(readMeter(t)["apigateway.own_errors"])
}

// wantGatewayErrors fails unless API Gateway has answered that many frames itself since before.
func wantGatewayErrors(t *testing.T, before, want int) {
	t.Helper()
	if got := gatewayErrors(t) - before; got != want {
		t.Errorf("API Gateway answered %d frames itself, want %d", got, want)
	}
}

// strikes sets faults, acts, waits until the faults have struck that often, and removes them.
func strikes(t *testing.T, hits int, do func(), faults ...fault) {
	t.Helper()
	mend := breaks(t, faults...)
	do()
	eventually(t, func() bool { return faultHits(t) >= hits },
		fmt.Sprintf("%d strokes of %v", hits, faults))
	mend()
}

// ofFrames returns the fault for each function that may handle frames: with routes=named,
// subscribes have a function of their own.
func ofFrames(f fault) []fault {
	var all []fault
	for _, function := range []string{"message", "subscribe"} {
		one := maps.Clone(f)
		one["function"] = function
		all = append(all, one)
	}
	return all
}
