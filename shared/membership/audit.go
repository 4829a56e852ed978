package membership

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"hark/shared/pusher"
)

const (
	auditEvery = time.Hour // how often the audit comes to each channel
	auditPage  = 256       // channels in hand at once
)

// Audit goes through the channels of all apps, each once an hour, and mends what nothing else has (model.md §5): it forgets those whose
// rows have expired, so that what a connection leaves behind when nobody is told of its end is gone within an hour after its two hours
// and five minutes, and it unlists channels that are empty. In a run each minute it does the sixtieth part of that, or more to make up
// for a run that was missed. It costs about a read unit for 40 channels, and one or more for the subscribers of each.
//
// It starts from the list. An occupied channel that is not listed, which takes two deaths, is listed by whoever subscribes next; its
// expired rows go when DynamoDB drops them.
type Audit struct {
	Members *Membership
	List    List
	Apps    AllApps
}

// List is what the audit reads, beside what the steps need, and where it keeps its place.
type List interface {
	// ListParts is over how many parts the list of an app's channels is spread.
	ListParts() int
	// Listed returns the channels of a part, sorted, from the first behind after on, flagged ones included; at most limit of them, more
	// tells whether there may be others.
	Listed(ctx context.Context, app string, part int, after pusher.Channel, limit int) (page []pusher.Listed, more bool, err error)
	// Expired returns the channel's S rows that had expired by then; occupied tells whether there are any at all.
	Expired(ctx context.Context, app string, ch pusher.Channel, now time.Time) (expired []pusher.Subscription, occupied bool, err error)
	// AuditPlace returns how far the audit has come.
	AuditPlace(ctx context.Context) (pusher.AuditPlace, error)
	// SetAuditPlace notes it.
	SetAuditPlace(ctx context.Context, p pusher.AuditPlace, now time.Time) error
}

// AllApps lists the apps.
type AllApps interface {
	// IDs returns the IDs of all apps, in no order.
	IDs(ctx context.Context) ([]string, error)
}

// Audited is what a run of the audit has done.
type Audited struct {
	Channels int // that it has looked at
	Expired  int // rows that had expired, and were forgotten
	Empty    int // channels that were listed and had no subscriber
}

// Run does what is to be done by now. A channel that it fails on is left for the next hour.
func (a *Audit) Run(ctx context.Context) (Audited, error) {
	began, err := a.List.AuditPlace(ctx)
	if err != nil {
		return Audited{}, err
	}
	apps, err := a.Apps.IDs(ctx)
	if err != nil {
		return Audited{}, err
	}
	slices.Sort(apps)
	w := walk{Audit: a, apps: apps, place: began}
	w.fail(w.through(ctx))
	if w.place != began {
		w.fail(a.List.SetAuditPlace(ctx, w.place, a.Members.now()))
	}
	return Audited{int(w.looked.Load()), int(w.forgotten.Load()), int(w.empty.Load())}, w.err()
}

// walk is one run through the parts of all lists, which are thought of as one row: those of the first app, those of the second, and so on.
type walk struct {
	*Audit
	run
	empty atomic.Int64
	apps  []string
	place pusher.AuditPlace
}

// through goes on from the place, as far as the audit should have come by now. A round begins an hour after the one before, or as
// soon as that has ended.
func (w *walk) through(ctx context.Context) error {
	now, parts := w.Members.now(), w.List.ListParts()
	at, found := slices.BinarySearch(w.apps, w.place.App)
	at *= parts
	if found {
		at += w.place.Part
	}
	all := len(w.apps) * parts
	if w.place.Round.IsZero() || at >= all && all > 0 && now.Sub(w.place.Round) >= auditEvery {
		w.place = pusher.AuditPlace{Round: now.Truncate(time.Minute)}
		at = 0
	}
	minutes, hour := int(now.Sub(w.place.Round)/time.Minute)+1, int(auditEvery/time.Minute)
	for due := min(all, (all*minutes+hour-1)/hour); at < due; at++ {
		app, part := w.apps[at/parts], at%parts
		if w.place.App != app || w.place.Part != part {
			w.place = pusher.AuditPlace{Round: w.place.Round, App: app, Part: part}
		}
		if finished, err := w.part(ctx); err != nil || !finished {
			return err
		}
		w.place = pusher.AuditPlace{Round: w.place.Round, App: app, Part: part + 1}
	}
	return nil
}

// part goes to the end of the part, or until time runs out: then the place is behind the channels that are done.
func (w *walk) part(ctx context.Context) (finished bool, err error) {
	for more := true; more; {
		var page []pusher.Listed
		page, more, err = w.List.Listed(ctx, w.place.App, w.place.Part, w.place.After, auditPage)
		if err != nil {
			return false, err
		}
		done := atOnce(len(page), func(i int) bool { return w.channel(ctx, page[i]) })
		n := slices.Index(done, false)
		if n < 0 {
			n = len(page)
		}
		if n > 0 {
			w.place.After = page[n-1].Channel
		}
		if n < len(page) {
			return false, nil
		}
	}
	return true, nil
}

// channel looks at one channel. It reports false if time ran out.
func (w *walk) channel(ctx context.Context, l pusher.Listed) bool {
	if late(ctx, auditMargin) {
		return false
	}
	m, app := w.Members, w.place.App
	expired, occupied, err := w.List.Expired(ctx, app, l.Channel, m.now())
	w.looked.Add(1)
	w.fail(err)
	for _, s := range expired {
		if late(ctx, auditMargin) {
			return false
		}
		w.fail(m.forget(ctx, s.Connection, &s, overdue))
		w.forgotten.Add(1)
	}
	switch {
	case err != nil:
	case l.Marker.Vacant != "":
		w.fail(m.check(ctx, app, l.Channel))
		w.fail(m.finish(ctx, app, l.Channel, l.Marker.Vacant))
	case m.untold(l.Marker):
		w.fail(m.check(ctx, app, l.Channel))
	case !occupied:
		w.empty.Add(1)
		w.fail(m.Vacate(ctx, app, l.Channel))
	}
	return true
}
