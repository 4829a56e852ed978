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

// overdue is a gateway at which time runs out during a post. It keeps which connections are closed.
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

// It is not the client's fault if time runs out. So it is not closed, and the call fails, so that
// the frame is posted again to all.
func TestPostThatRunsOutOfTimeFailsAndClosesNoClient(t *testing.T) {
	r := newRig(t, long)
	late := errors.New("late")
	ctx, cancel := context.WithCancelCause(t.Context())
	gateway := &overdue{out: func() { cancel(late) }}
	r.Gateway = gateway
	all := []state.Subscription{{
		Connection: ann, App: appID, Channel: channel, ConnectedAt: time.Now().Add(-old),
	}}
	if err := r.Post(ctx, all, []byte("{}")); !errors.Is(err, late) {
		t.Errorf("posted: %v", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(gateway.closed) > 0 || strings.Contains(r.log.String(), "closed") {
		t.Errorf("closed %v: %s", gateway.closed, r.log.String())
	}
}

// counting counts how often a subscription is read again.
type counting struct {
	*dynamo.State
	reads atomic.Int64
}

func (c *counting) Subscription(
	ctx context.Context, app string, ch pusher.Channel, id pusher.ConnectionID,
) (state.Subscription, bool, error) {
	c.reads.Add(1)
	return c.State.Subscription(ctx, app, ch, id)
}

// On a presence channel only the consumer could settle a pending row, and the consumer is handling
// the event. So it does not wait.
func TestPendingMemberIsClosedAtOnce(t *testing.T) {
	const lobby = pusher.Channel("presence-lobby")
	r := newRig(t, long)
	rows := &counting{State: r.state}
	r.Subscribers = rows
	_, err := r.state.PutSubscription(t.Context(), state.Subscription{
		Connection: ann, App: appID, Channel: lobby, Stamp: 1, ConnectedAt: time.Now(),
		Pending: true, Member: pusher.Member{UserID: "ann"},
	})
	if err != nil {
		t.Fatal(err)
	}
	r.deliver(t, named("e", lobby))
	if n := rows.reads.Load(); n != 0 {
		t.Errorf("its row was read %d times more", n)
	}
	if got := r.gateway.requests(ann); len(got) != 1 || got[0] != "DELETE" {
		t.Errorf("ann's connection: %v, want it closed", got)
	}
}
