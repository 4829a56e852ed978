package broadcast_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"hark/shared/broadcast"
	"hark/shared/dynamo"
	"hark/shared/pusher"
)

// overdue are sockets at which time runs out: the post ends with it. They note who is closed.
type overdue struct {
	broadcast.Sender
	out    func()
	closed []pusher.ConnectionID
}

func (s *overdue) Send(context.Context, pusher.ConnectionID, []byte) error {
	s.out()
	return pusher.ErrBusy
}

func (s *overdue) Close(_ context.Context, id pusher.ConnectionID) error {
	s.closed = append(s.closed, id)
	return nil
}

// When time runs out that is not the client's fault: it is not closed, and the call fails, so that everybody is told again.
func TestTellThatRunsOutOfTime(t *testing.T) {
	r := newRig(t, long)
	late := errors.New("late")
	ctx, cancel := context.WithCancelCause(t.Context())
	sockets := &overdue{out: func() { cancel(late) }}
	r.Sender = sockets
	all := []pusher.Subscription{{Connection: ann, App: appID, Channel: channel, ConnectedAt: time.Now().Add(-old)}}
	if err := r.Tell(ctx, all, []byte("{}")); !errors.Is(err, late) {
		t.Errorf("told: %v", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(sockets.closed) > 0 || strings.Contains(r.log.String(), "closed") {
		t.Errorf("closed %v: %s", sockets.closed, r.log.String())
	}
}

// looking counts how often a subscription is read again.
type looking struct {
	*dynamo.State
	looks atomic.Int64
}

func (l *looking) Subscription(
	ctx context.Context, app string, ch pusher.Channel, id pusher.ConnectionID,
) (pusher.Subscription, bool, error) {
	l.looks.Add(1)
	return l.State.Subscription(ctx, app, ch, id)
}

// On a presence channel only the consumer, which is at the event now, could settle a row: one that is pending is waited for by nobody.
func TestPendingMemberIsClosedAtOnce(t *testing.T) {
	const lobby = pusher.Channel("presence-lobby")
	r := newRig(t, long)
	rows := &looking{State: r.state}
	r.Subscribers = rows
	_, err := r.state.PutSubscription(t.Context(), pusher.Subscription{
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
