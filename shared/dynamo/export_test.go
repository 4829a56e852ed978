package dynamo

import (
	"hark/shared/pusher"
	"hark/shared/state"
)

// Keys returns the primary keys of the rows of an app's channel, user and connection. It names each
// by what the row holds.
func Keys(app string, ch pusher.Channel, user string, id pusher.ConnectionID) map[string]string {
	keys := make(map[string]string)
	for what, k := range map[string]item{
		"subscription": subscriptionKey(state.Subscription{
			App: app, Channel: ch, Connection: id,
		}),
		"cache":            cacheKey(app, ch),
		"sent count":       sentCountKey(app, ch),
		"marker":           markerKey(app, ch),
		"miss":             announcedMissKey(app, ch),
		"announced member": announcedMemberKey(app, ch, user),
		"count lease":      leaseKey(state.Lease{App: app, Channel: ch}),
		"user":             userKey(app, user, id),
		"status":           statusKey(app, user),
		"watcher":          watcherKey(app, user, id),
		"open":             openKey(app, id),
	} {
		keys[what] = getStr(k["pk"]) + "\x00" + getStr(k["sk"])
	}
	return keys
}
