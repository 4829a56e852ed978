package dynamo

import (
	"fmt"
	"hash/fnv"
	"strconv"
	"time"

	"hark/shared/pusher"
	"hark/shared/state"
)

// An app's ID has no '#' (pusher.ValidName), so that what stands behind it in a key may have any.

// shards is over how many partitions the rows are spread that everybody writes.
const shards = 8

func key(pk, sk string) item {
	return item{"pk": str(pk), "sk": str(sk)}
}

func connectionKey(id pusher.ConnectionID) item { return key(connectionPK(id), "conn") }

func connectionPK(id pusher.ConnectionID) string { return "conn#" + string(id) }

// rateKey is the counter of a connection's frames in the nth window of a name.
func rateKey(id pusher.ConnectionID, name string, n int64) item {
	return key(connectionPK(id), fmt.Sprintf("rate#%s#%d", name, n))
}

func openKey(app string, id pusher.ConnectionID) item {
	return key(openPK(app), openPrefix+shard(string(id)))
}

func openPK(app string) string { return "app#" + app }

const openPrefix = "count#"

func subscriptionKey(s state.Subscription) item {
	pk, prefix := place(s.App, s.Channel)
	return key(pk, prefix+string(s.Connection))
}

// place is where a channel's subscriptions are: their partition, and how their sort keys begin. Those of a user's channel are the
// user's own rows, so that who is signed in is subscribed to it. The connection ID behind the prefix is random, so that DynamoDB can
// split a hot channel.
func place(app string, ch pusher.Channel) (pk, prefix string) {
	if user := ch.User(); user != "" {
		return userPK(app, user), userPrefix
	}
	return channelPK(app, ch), "sub#"
}

func channelPK(app string, ch pusher.Channel) string { return "chan#" + app + "#" + string(ch) }

func cacheKey(app string, ch pusher.Channel) item { return key(channelPK(app, ch), "cache") }

func sentCountKey(app string, ch pusher.Channel) item { return key(channelPK(app, ch), "count") }

// userPrefix begins the sort key of a connection: of one that is signed in as the user, or that watches it.
const userPrefix = "conn#"

func userPK(app, user string) string { return "user#" + app + "#" + user }

func statusKey(app, user string) item { return key(userPK(app, user), statusSK) }

// statusSK is beside the rows of a user's connections.
const statusSK = "told"

// publishKey is a publish of the app under its idempotency key. Each has a partition of its own, since every publish may write one.
func publishKey(app, idempotency string) item { return key("once#"+app+"#"+idempotency, "once") }

// banKey is beside the rows of a user's connections, too.
func banKey(app, user string) item { return key(userPK(app, user), "banned") }

func watcherPK(app, user string) string { return "watch#" + app + "#" + user }

func watcherKey(app, user string, id pusher.ConnectionID) item {
	return key(watcherPK(app, user), userPrefix+string(id))
}

func markerKey(app string, ch pusher.Channel) item {
	return key(markerPK(app, shard(string(ch))), markerPrefix+string(ch))
}

func markerPK(app, shard string) string { return "app#" + app + "#" + shard }

const markerPrefix = "chan#"

// leaseKey begins the sort key of a number with '#', as no connection ID begins.
func leaseKey(l state.Lease) item {
	sk := string(l.Connection)
	if sk == "" {
		sk = "#" + l.App + "#" + string(l.Channel)
	}
	return key(leasePK(l.Minute, shard(sk)), sk)
}

func leasePK(due time.Time, shard string) string {
	return fmt.Sprintf("lease#%d#%s", due.Unix()/60, shard)
}

func sweptKey() item { return key("sweep", "swept") }

func shard(s string) string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(s)) // a hash takes all it is given
	return strconv.Itoa(int(h.Sum32() % shards))
}

// expires is when a connection's rows may go, in the seconds that DynamoDB's TTL wants.
func expires(connectedAt time.Time) int64 { return connectedAt.Add(state.RowLife).Unix() }
