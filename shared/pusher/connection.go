package pusher

import (
	"encoding/json"
	"math"
	"time"
)

// RowLife is how long after its handshake the rows of a connection are believed: API Gateway closes every socket after two
// hours, and five minutes are left for telling us.
const RowLife = 2*time.Hour + 5*time.Minute

// Stamp is when API Gateway got a frame, in milliseconds (requestTimeEpoch). Frames of one connection run concurrently and
// in any order; of those about one channel, the newest stamp wins (model.md §3).
type Stamp int64

// Forever is newer than every frame: the stamp of a leave by the end of the connection.
const Forever Stamp = math.MaxInt64

// Connection is what is known of an open socket: row C of model.md §3.
type Connection struct {
	ID          ConnectionID
	App         string
	ConnectedAt time.Time
	On          map[Channel]Stamp // channels subscribed to, with the stamp of the frame that said so
	Off         map[Channel]Stamp // channels left within the last minute, with the stamp of the frame that said so
	Dead        bool              // being forgotten: nothing may be added any more
	User        string            // whom it is signed in as; "" for nobody
	UserInfo    json.RawMessage   // the user's, as a presence channel shows it
	Counted     bool              // it counts towards the app's maximum of connections
}

// Member is what a presence channel shows of the signed-in user.
func (c Connection) Member() Member { return Member{UserID: c.User, Info: c.UserInfo} }

// Subscription is one connection's place in one channel: row S of model.md §3. On a user's channel it stands for the connection
// being signed in as the user.
type Subscription struct {
	Connection  ConnectionID
	App         string
	Channel     Channel
	Stamp       Stamp // of the frame that subscribed
	ConnectedAt time.Time
	Pending     bool   // the client has not been told yet: no event of the channel may reach it
	Cached      string // on a cache channel the version of the event that the client was told then
	Member      Member // on presence channels
}

// Marker lists an occupied channel: row K of model.md §3. The zero value stands for no marker.
type Marker struct {
	Exists bool
	Vacant string    // the nonce of whoever found the channel empty; empty while it is occupied
	At     time.Time // when it was written
	Told   Told      // what the app has been told
}

// Told is what an app has been told of a channel by its webhooks.
type Told int

// What can have been told, in the order in which it is.
const (
	ToldNothing Told = iota
	ToldOccupied
	ToldVacated // it is being told
)

// Lease is something that is due in a minute: a connection that is to be looked at, or the number of a channel's subscribers that is
// to be told.
type Lease struct {
	Minute     time.Time
	Connection ConnectionID // "" for a number
	App        string       // of the channel
	Channel    Channel
}

// Cached is the newest event of a cache channel. The zero value stands for none.
type Cached struct {
	Frame   json.RawMessage
	Version string        // differs between any two events
	Left    time.Duration // until it expires
}

// Handshake is a client's request for a socket.
type Handshake struct {
	Connection  ConnectionID
	Key         string // the app's, from the URL
	Secret      string // what shows that the request came through the distribution
	Origin      string // of the page; empty for clients that are no browsers
	ConnectedAt time.Time
}
