package dynamo_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	awsdb "github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"hark/shared/dynamo"
	"hark/shared/pusher"
	"hark/shared/state"
)

const (
	// nameBytes is how many bytes the names of a connection's channels may have together.
	nameBytes = 16 << 10
	// longNames is how many of the names of longName leave room only for a short one. It is less
	// than the number of channels that a connection may be on.
	longNames = 81
)

func longName(n int) pusher.Channel { return pusher.Channel(fmt.Sprintf("%0200d", n)) }

// sized returns a name of so many bytes.
func sized(n int) pusher.Channel { return pusher.Channel(fmt.Sprintf("%0*d", n, 7)) }

// fullConnection writes a connection that is on so many channels with long names, and has left the
// others.
func fullConnection(t *testing.T, s *dynamo.State, on int) state.Connection {
	t.Helper()
	c := putConnection(t, s)
	for i := range longNames {
		turn := s.TurnOn
		if i >= on {
			turn = s.TurnOff
		}
		ok, err := turn(t.Context(), c, longName(i), 1, 0)
		held(t, string(longName(i)), true, ok, err)
	}
	c, err := s.Connection(t.Context(), id)
	must(t, err)
	return c
}

// The names of channels that were left count too. Otherwise a client could fill its row by leaving
// channels that do not exist.
func TestChannelNamesLimit(t *testing.T) {
	const room = nameBytes - 200*longNames
	for _, c := range []struct {
		name string
		on   int
	}{
		{"on all", longNames},
		{"on some, others were left", 40},
		{"all were left", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			testState(t, func(t *testing.T, s *dynamo.State) {
				full := fullConnection(t, s, c.on)
				for what, turn := range map[string]func(ch pusher.Channel) (bool, error){
					"another one": func(ch pusher.Channel) (bool, error) {
						return s.TurnOn(t.Context(), full, ch, 2, 0)
					},
					"leaving one that it is not on": func(ch pusher.Channel) (bool, error) {
						return s.TurnOff(t.Context(), full, ch, 2, 0)
					},
				} {
					var no *pusher.Error
					if ok, err := turn(sized(room + 1)); !errors.As(err, &no) || ok {
						t.Errorf("%s beyond 16 KB: held %t, error %v", what, ok, err)
					}
				}
				ok, err := s.TurnOn(t.Context(), full, sized(room), 2, 0)
				held(t, "another one of just 16 KB", true, ok, err)
				ok, err = s.TurnOff(t.Context(), full, sized(room), 3, 0)
				held(t, "leaving it", true, ok, err)
			})
		})
	}
}

// A channel that the connection is on can be left, however full its row is.
func TestFullConnectionLeavesItsChannels(t *testing.T) {
	testState(t, func(t *testing.T, s *dynamo.State) {
		fullConnection(t, s, longNames)
		for i := range longNames {
			c, err := s.Connection(t.Context(), id)
			must(t, err)
			ok, err := s.TurnOff(t.Context(), c, longName(i), 2, 0)
			held(t, "leave", true, ok, err)
		}
		if c, err := s.Connection(t.Context(), id); err != nil || len(c.On) > 0 {
			t.Errorf("it is still on %d channels (%v)", len(c.On), err)
		}
	})
}

// The refusal has soketi's type and status (docs/protocol.md §3.5), and the code of every refused
// subscription.
func TestTooManyChannelsIsALimit(t *testing.T) {
	testState(t, func(t *testing.T, s *dynamo.State) {
		c := putConnection(t, s)
		for i := range 100 {
			ok, err := s.TurnOn(t.Context(), c, pusher.Channel(fmt.Sprint("c", i)), 1, 0)
			held(t, "one of a hundred", true, ok, err)
		}
		_, err := s.TurnOn(t.Context(), c, "one-more", 1, 0)
		var no *pusher.Error
		if !errors.As(err, &no) {
			t.Fatalf("the 101st channel: %v", err)
		}
		var frame struct {
			Event, Channel string
			Data           struct {
				Type   string
				Status int
			}
		}
		must(t, json.Unmarshal(no.SubscriptionError("one-more"), &frame))
		if frame.Channel != "one-more" || frame.Data.Type != pusher.LimitReached ||
			frame.Data.Status != int(pusher.CodeLimit) {
			t.Errorf("the client is sent %+v", frame)
		}
		if no.Code != pusher.CodeUnauthorized {
			t.Errorf("its code is %d", no.Code)
		}
	})
}

func TestAConnectionMayBeOnAHundredChannels(t *testing.T) {
	testEngines(t, func(t *testing.T, client *awsdb.Client) {
		s := stateTable(t, client)
		unread := putConnection(t, s)
		for i := range 100 {
			ch := pusher.Channel(fmt.Sprintf("c%d", i))
			if held, err := s.TurnOn(t.Context(), unread, ch, 1, 0); err != nil || !held {
				t.Fatalf("%s: held %t, error %v", ch, held, err)
			}
		}
		var no *pusher.Error
		_, err := s.TurnOn(t.Context(), unread, "one-more", 1, 0)
		if !errors.As(err, &no) || !strings.Contains(no.Message, "100 channels") {
			t.Errorf("the 101st channel: %v", err)
		}
		if held, err := s.TurnOn(t.Context(), unread, "c7", 2, 0); err != nil || !held {
			t.Errorf("one of the 100 again: held %t, error %v", held, err)
		}
	})
}
