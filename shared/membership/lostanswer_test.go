package membership_test

import (
	"context"
	"testing"
	"time"

	"hark/shared/dynamo"
	"hark/shared/internal/testkit"
	"hark/shared/pusher"
)

// unanswered is a store on which the answers to writes of markers are lost. The SDK repeats the
// write, and the condition of the second one does not hold.
type unanswered struct {
	*dynamo.State
	before func() // is called before the write
}

func (s unanswered) PutMarker(
	ctx context.Context, app string, ch pusher.Channel, now time.Time,
) (bool, error) {
	s.before()
	if _, err := s.State.PutMarker(ctx, app, ch, now); err != nil {
		return false, err
	}
	return s.State.PutMarker(ctx, app, ch, now)
}

func (s unanswered) Reopen(
	ctx context.Context, app string, ch pusher.Channel, nonce string,
) (bool, error) {
	s.before()
	if _, err := s.State.Reopen(ctx, app, ch, nonce); err != nil {
		return false, err
	}
	return s.State.Reopen(ctx, app, ch, nonce)
}

// A subscribe that has listed a channel reads whether it is still occupied, also if it cannot know
// that its own write listed it.
func TestMarkerWhoseAnswerIsLostIsCheckedAgain(t *testing.T) {
	for _, c := range []struct {
		name    string
		flagged bool // the marker was there, and flagged
		left    bool // the only subscriber leaves before the channel is listed
	}{
		{"a new one, of an empty channel", false, true},
		{"a new one, of an occupied channel", false, false},
		{"a flagged one, of an empty channel", true, true},
		{"a flagged one, of an occupied channel", true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			store := testkit.Table(t, nil)
			open(t, store, first)
			if c.flagged {
				put, err := store.PutMarker(t.Context(), app, news, clock)
				if err != nil || !put {
					t.Fatal(put, err)
				}
				set, err := store.MarkVacant(t.Context(), app, news, "of a Vacate that died")
				if err != nil || !set {
					t.Fatal(set, err)
				}
			}
			come := subscribe(t, "come", unanswered{store, func() {
				if c.left {
					unsubscribe(t, "leave", store, first, at(2)).Finish()
				}
			}}, first, at(1))
			come.Finish()
			if come.Err != nil {
				t.Fatal(come.Err)
			}
			r := readRows(t, store)
			occupied := len(r.subscribed) > 0
			if r.marker.Exists == c.left || r.listed() == c.left || occupied == c.left {
				t.Errorf("left: %t, there is %+v", c.left, r)
			}
		})
	}
}
