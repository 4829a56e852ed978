package dynamo

import (
	"fmt"
	"hash/fnv"
	"strconv"
	"time"

	"hark/shared/pusher"
	"hark/shared/state"
)

// Keys join their parts with '#'. An app's ID has no '#' (pusher.ValidName), so the part behind it
// may have any, and no key can be read two ways. Keys and attributes such as told, word and once
// keep the names that rows in use have.

// shards is the number of partitions over which rows are spread that many connections write.
const shards = 8

// shard chooses one of the partitions.
func shard(s string) string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(s)) // Write of a hash never fails
	return strconv.Itoa(int(h.Sum32() % shards))
}

func key(pk, sk string) item {
	return item{"pk": str(pk), "sk": str(sk)}
}

// expires is the expires attribute of a connection's rows, in the seconds that DynamoDB's TTL
// wants.
func expires(connectedAt time.Time) int64 { return connectedAt.Add(state.RowLife).Unix() }

// Rows of a connection.

func connectionPK(id pusher.ConnectionID) string { return "conn#" + string(id) }

const connectionSK = "conn"

func connectionKey(id pusher.ConnectionID) item { return key(connectionPK(id), connectionSK) }

// rateKey is the counter of a connection's frames in the nth window of a rate limit.
func rateKey(id pusher.ConnectionID, limit string, n int64) item {
	return key(connectionPK(id), fmt.Sprintf("rate#%s#%d", limit, n))
}

// Rows of an app.

func openPK(app string) string { return "app#" + app }

const openPrefix = "count#"

// openKey is a part of the number of an app's open connections: the part that counts this one.
func openKey(app string, id pusher.ConnectionID) item {
	return key(openPK(app), openPrefix+shard(string(id)))
}

func markerPK(app, shard string) string { return "app#" + app + "#" + shard }

const markerPrefix = "chan#"

func markerKey(app string, ch pusher.Channel) item {
	return key(markerPK(app, shard(string(ch))), markerPrefix+string(ch))
}

// publishKey is a publish under its idempotency key. Each has a partition of its own, because every
// publish may write one.
func publishKey(app, idempotency string) item {
	return key("once#"+app+"#"+idempotency, "once")
}

// Rows of a channel.

func channelPK(app string, ch pusher.Channel) string { return "chan#" + app + "#" + string(ch) }

// subscriptionRange returns the partition of a channel's subscriptions, and the prefix of their
// sort keys; the connection's ID follows it. IDs are random, so DynamoDB can split a hot channel.
// The subscriptions of a user's channel are the rows that say who is signed in as the user.
func subscriptionRange(app string, ch pusher.Channel) (pk, prefix string) {
	if user := ch.User(); user != "" {
		return userPK(app, user), userPrefix
	}
	return channelPK(app, ch), "sub#"
}

func subscriptionKey(s state.Subscription) item {
	pk, prefix := subscriptionRange(s.App, s.Channel)
	return key(pk, prefix+string(s.Connection))
}

func cacheKey(app string, ch pusher.Channel) item { return key(channelPK(app, ch), "cache") }

func sentCountKey(app string, ch pusher.Channel) item { return key(channelPK(app, ch), "count") }

func announcedMemberKey(app string, ch pusher.Channel, user string) item {
	return key(channelPK(app, ch), "told#"+user)
}

func announcedMissKey(app string, ch pusher.Channel) item { return key(channelPK(app, ch), "miss") }

// Rows of a user. The user's connections, status and ban have one partition, so that one query
// reads whether the user is online and what was last sent about it.

func userPK(app, user string) string { return "user#" + app + "#" + user }

// userPrefix begins the sort key of a connection that is signed in as a user, or that watches it.
const userPrefix = "conn#"

func userKey(app, user string, id pusher.ConnectionID) item {
	return subscriptionKey(state.Subscription{
		App: app, Channel: pusher.UserChannel(user), Connection: id,
	})
}

const statusSK = "told"

func statusKey(app, user string) item { return key(userPK(app, user), statusSK) }

func banKey(app, user string) item { return key(userPK(app, user), "banned") }

func watcherPK(app, user string) string { return "watch#" + app + "#" + user }

func watcherKey(app, user string, id pusher.ConnectionID) item {
	return key(watcherPK(app, user), userPrefix+string(id))
}

// Rows of sweep and the audit.

func leasePK(minute time.Time, shard string) string {
	return fmt.Sprintf("lease#%d#%s", minute.Unix()/60, shard)
}

// leaseKey has the connection's ID as its sort key. That of a channel's count begins with '#', with
// which no connection ID begins.
func leaseKey(l state.Lease) item {
	sk := string(l.Connection)
	if sk == "" {
		sk = "#" + l.App + "#" + string(l.Channel)
	}
	return key(leasePK(l.Minute, shard(sk)), sk)
}

func sweptKey() item { return key("sweep", "swept") }

func auditKey() item { return key("sweep", "audit") }
