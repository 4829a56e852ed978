package dynamo

import "hark/shared/pusher"

// Keys returns the primary keys of all rows of a channel, a user and a connection of an app, by what they hold.
func Keys(app string, ch pusher.Channel, user string, id pusher.ConnectionID) map[string]string {
	keys := make(map[string]string)
	for what, k := range map[string]item{
		"subscription": subscriptionKey(pusher.Subscription{App: app, Channel: ch, Connection: id}),
		"cache":        cacheKey(app, ch),
		"told count":   toldCountKey(app, ch),
		"marker":       markerKey(app, ch),
		"miss":         missKey(app, ch),
		"told member":  toldMemberKey(app, ch, user),
		"count lease":  leaseKey(pusher.Lease{App: app, Channel: ch}),
		"user":         userKey(app, user, id),
		"told word":    toldKey(app, user),
		"watcher":      watcherKey(app, user, id),
		"open":         openKey(app, id),
	} {
		keys[what] = getStr(k["pk"]) + "\x00" + getStr(k["sk"])
	}
	return keys
}
