package dynamo

import (
	"context"
	"strconv"
	"strings"
	"time"

	"hark/shared/pusher"
	"hark/shared/state"
)

// PutLease makes sweep look at the connection in the given minute (docs/steps.md §3.12).
func (s *State) PutLease(ctx context.Context, id pusher.ConnectionID, due time.Time) error {
	return s.putLease(ctx, state.Lease{Minute: due, Connection: id})
}

// PutCountLease makes sweep send the channel's subscription count in the given minute.
func (s *State) PutCountLease(
	ctx context.Context, app string, ch pusher.Channel, due time.Time,
) error {
	return s.putLease(ctx, state.Lease{Minute: due, App: app, Channel: ch})
}

func (s *State) putLease(ctx context.Context, l state.Lease) error {
	it := leaseKey(l)
	it["expires"] = num(expires(l.Minute))
	_, err := s.put(ctx, it, "", nil)
	return err
}

// Due returns the leases of a minute.
func (s *State) Due(ctx context.Context, minute time.Time) ([]state.Lease, error) {
	var leases []state.Lease
	for n := range shards {
		for out, err := range s.pages(ctx, s.query(leasePK(minute, strconv.Itoa(n)), "")) {
			if err != nil {
				return nil, err
			}
			for _, it := range out.Items {
				leases = append(leases, toLease(minute, getStr(it["sk"])))
			}
		}
	}
	return leases, nil
}

// toLease reads the sort key that leaseKey built.
func toLease(minute time.Time, sk string) state.Lease {
	count, found := strings.CutPrefix(sk, "#")
	if !found {
		return state.Lease{Minute: minute, Connection: pusher.ConnectionID(sk)}
	}
	app, ch, _ := strings.Cut(count, "#")
	return state.Lease{Minute: minute, App: app, Channel: pusher.Channel(ch)}
}

// DeleteLease removes a lease that sweep has handled.
func (s *State) DeleteLease(ctx context.Context, l state.Lease) error {
	return s.delete(ctx, leaseKey(l))
}

// Swept returns the last minute that was swept; the zero time if none was.
func (s *State) Swept(ctx context.Context) (time.Time, error) {
	it, err := s.get(ctx, sweptKey())
	if err != nil || it == nil {
		return time.Time{}, err
	}
	return time.Unix(getNum(it["minute"])*60, 0), nil
}

// SetSwept writes the last minute that was swept.
func (s *State) SetSwept(ctx context.Context, minute time.Time) error {
	it := sweptKey()
	it["minute"] = num(minute.Unix() / 60)
	it["expires"] = num(expires(minute))
	_, err := s.put(ctx, it, "", nil)
	return err
}
