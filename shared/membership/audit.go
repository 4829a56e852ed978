package membership

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"hark/shared/pusher"
	"hark/shared/state"
)

const (
	auditEvery = time.Hour // how often the audit comes to each channel
	auditPage  = 256       // channels read at once
)

// Audit goes through the channels of all apps, each once an hour, and corrects what no other step
// has (docs/steps.md §5). It forgets connections whose rows have expired, so that the rows of a
// connection whose end went unnoticed are gone an hour after its two hours and five minutes, and it
// unlists channels that are empty. A run each minute does the sixtieth part, or more to make up for
// a run that was missed. It costs about a read unit for 40 channels, and one or more for the
// subscribers of each.
//
// It starts from the list of channels. An occupied channel that is not listed, which takes two
// deaths, is listed by its next subscriber; its expired rows go when DynamoDB's TTL removes them.
type Audit struct {
	Members *Membership
	List    List
	Apps    AllApps
}

// List is what the audit reads beside the rows of the steps, and where it keeps its place.
type List interface {
	// ListParts is the number of parts over which the list of an app's channels is spread.
	ListParts() int
	// Listed returns the channels of a part that sort after the given one, vacant ones included, at
	// most limit of them. more reports whether there may be others.
	Listed(
		ctx context.Context, app string, part int, after pusher.Channel, limit int,
	) (page []state.Listed, more bool, err error)
	// Expired returns the channel's S rows that had expired at now; occupied reports whether there
	// are any rows at all.
	Expired(
		ctx context.Context, app string, ch pusher.Channel, now time.Time,
	) (expired []state.Subscription, occupied bool, err error)
	// AuditPlace returns how far the audit has come.
	AuditPlace(ctx context.Context) (state.AuditPlace, error)
	// SetAuditPlace writes it.
	SetAuditPlace(ctx context.Context, p state.AuditPlace, now time.Time) error
}

// AllApps lists the apps.
type AllApps interface {
	// IDs returns the IDs of all apps, in no order.
	IDs(ctx context.Context) ([]string, error)
}

// Audited is what a run of the audit has done.
type Audited struct {
	Channels int // looked at
	Expired  int // rows that had expired and were forgotten
	Empty    int // channels that were listed without a subscriber
}

// Run does what is due by now. A channel that it fails on is left for the next hour.
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

// walk is one run through the parts of all lists, in one sequence: those of the first app, then
// those of the second, and so on.
type walk struct {
	*Audit
	run
	empty atomic.Int64
	apps  []string
	place state.AuditPlace
}

// through goes on from the place, as far as the audit should have come by now. A round begins an
// hour after the one before, or as soon as that one has ended.
func (w *walk) through(ctx context.Context) error {
	now, parts := w.Members.now(), w.List.ListParts()
	at, found := slices.BinarySearch(w.apps, w.place.App)
	at *= parts
	if found {
		at += w.place.Part
	}
	all := len(w.apps) * parts
	if w.place.Round.IsZero() || at >= all && all > 0 && now.Sub(w.place.Round) >= auditEvery {
		w.place = state.AuditPlace{Round: now.Truncate(time.Minute)}
		at = 0
	}
	minutes, hour := int(now.Sub(w.place.Round)/time.Minute)+1, int(auditEvery/time.Minute)
	for due := min(all, (all*minutes+hour-1)/hour); at < due; at++ {
		app, part := w.apps[at/parts], at%parts
		if w.place.App != app || w.place.Part != part {
			w.place = state.AuditPlace{Round: w.place.Round, App: app, Part: part}
		}
		if finished, err := w.part(ctx); err != nil || !finished {
			return err
		}
		w.place = state.AuditPlace{Round: w.place.Round, App: app, Part: part + 1}
	}
	return nil
}

// part goes to the end of the part, or until time runs out. The place is then after the channels
// that are done.
func (w *walk) part(ctx context.Context) (finished bool, err error) {
	for more := true; more; {
		var page []state.Listed
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

// channel corrects one channel. It reports false if time ran out.
func (w *walk) channel(ctx context.Context, l state.Listed) bool {
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
		w.fail(m.finishVacate(ctx, app, l.Channel, l.Marker.Vacant))
	case m.unannounced(l.Marker):
		w.fail(m.check(ctx, app, l.Channel))
	case !occupied:
		w.empty.Add(1)
		w.fail(m.Vacate(ctx, app, l.Channel))
	}
	return true
}
