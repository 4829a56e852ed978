package state

import (
	"encoding/json"
	"errors"
	"math"
	"time"

	"hark/shared/pusher"
)

// RowLife is how long after its handshake a connection's rows count. API Gateway closes every
// connection after two hours; five minutes are left for its $disconnect to arrive.
const RowLife = 2*time.Hour + 5*time.Minute

var (
	// ErrGone says that a connection does not exist, or no longer does.
	ErrGone = errors.New("connection is gone")
	// ErrBusy says that a connection takes no frame for now: its buffer is full, or a quota is used
	// up.
	ErrBusy = errors.New("connection takes no more for now")
)

// Stamp is when API Gateway received a frame, in Unix milliseconds (requestTimeEpoch). Frames of
// one connection run concurrently and in any order; of those about one channel, the newest stamp
// wins (docs/steps.md §3).
type Stamp int64

// Forever is newer than every frame. A leave has it when its connection has ended.
const Forever Stamp = math.MaxInt64

// Connection is an open WebSocket: row C of docs/steps.md §3.
type Connection struct {
	ID          pusher.ConnectionID
	App         string
	ConnectedAt time.Time
	On          map[pusher.Channel]Stamp // subscribed channels, with the stamp of the subscribe
	Off         map[pusher.Channel]Stamp // unsubscribed within the last minute, with that stamp
	Dead        bool                     // it is being forgotten: nothing may be added
	User        string                   // the signed-in user's ID; "" if none
	UserInfo    json.RawMessage          // the user_info that presence channels show
	Counted     bool                     // it counts towards the app's maximum of connections
}

// Member is the signed-in user as presence channels show it.
func (c Connection) Member() pusher.Member {
	return pusher.Member{UserID: c.User, Info: c.UserInfo}
}
