package fanout_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"hark/shared/dynamo"
	"hark/shared/fanout"
	"hark/shared/pusher"
	"hark/shared/state"
)

// overdue is a gateway at which time runs out: the post ends with it. It notes which connections
// are closed.
type overdue struct {
	fanout.Gateway
	out    func()
	closed []pusher.ConnectionID
}

func (s *overdue) Post(context.Context, pusher.ConnectionID, []byte) error {
	s.out()
	return state.ErrBusy
}

func (s *overdue) Close(_ context.Context, id pusher.ConnectionID) error {
	s.closed = append(s.closed, id)
	return nil
}

// When time runs out that is not the client's fault: it is not closed, and the call fails, so that
// the frame is posted again to all.
func TestPostThatRunsOutOfTime(t *testing.T) {
	r := newRig(t, long)
	late := errors.New("late")
	ctx, cancel := context.WithCancelCause(t.Context())
	gateway := &overdue{out: func() { cancel(late) }}
	r.Gateway = gateway
	all := []state.Subscription{{Connection: ann, App: appID, Channel: channel, ConnectedAt: time.Now().Add(-old)}}
	if err := r.Post(ctx, all, []byte("{}")); !errors.Is(err, late) {
		t.Errorf("posted: %v", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(gateway.closed) > 0 || strings.Contains(r.log.String(), "closed") {
		t.Errorf("closed %v: %s", gateway.closed, r.log.String())
	}
}

// looking counts how often a subscription is read again.
type looking struct {
	*dynamo.State
	looks atomic.Int64
}

func (l *looking) Subscription(
	ctx context.Context, app string, ch pusher.Channel, id pusher.ConnectionID,
) (state.Subscription, bool, error) {
	l.looks.Add(1)
	return l.State.Subscription(ctx, app, ch, id)
}

// On a presence channel only the consumer, which is at the event now, could settle a row: one that
// is pending is waited for by nobody.
func TestPendingMemberIsClosedAtOnce(t *testing.T) {
	const lobby = pusher.Channel("presence-lobby")
	r := newRig(t, long)
	rows := &looking{State: r.state}
	r.Subscribers = rows
	_, err := r.state.PutSubscription(t.Context(), state.Subscription{
		Connection: ann, App: appID, Channel: lobby, Stamp: 1, ConnectedAt: time.Now(), Pending: true, Member: pusher.Member{UserID: "ann"},
	})
	if err != nil {
		t.Fatal(err)
	}
	r.deliver(t, named("e", lobby))
	if n := rows.looks.Load(); n != 0 {
		t.Errorf("its row was read %d times more", n)
	}
	if got := r.gateway.requests(ann); len(got) != 1 || got[0] != "DELETE" {
		t.Errorf("ann's connection: %v, want it closed", got)
	}
}
