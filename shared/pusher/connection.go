package pusher

import "time"

// RowLife is how long after its handshake the rows of a connection are believed: API Gateway closes every socket after two
// hours, and five minutes are left for telling us.
const RowLife = 2*time.Hour + 5*time.Minute

// Stamp is when API Gateway got a frame, in milliseconds (requestTimeEpoch). Frames of one connection run concurrently and
// in any order; of those about one channel, the newest stamp wins (model.md §3).
type Stamp int64

// Connection is what is known of an open socket: row C of model.md §3.
type Connection struct {
	ID          ConnectionID
	App         string
	ConnectedAt time.Time
	On          map[Channel]Stamp // channels subscribed to, with the stamp of the frame that said so
	Off         map[Channel]Stamp // channels left within the last minute, with the stamp of the frame that said so
	Dead        bool              // being forgotten: nothing may be added any more
}

// Subscription is one connection's place in one channel: row S of model.md §3.
type Subscription struct {
	Connection  ConnectionID
	App         string
	Channel     Channel
	Stamp       Stamp // of the frame that subscribed
	ConnectedAt time.Time
}

// Marker lists an occupied channel: row K of model.md §3. The zero value stands for no marker.
type Marker struct {
	Exists bool
	Vacant string // the nonce of whoever found the channel empty; empty while it is occupied
}

// Handshake is a client's request for a socket.
type Handshake struct {
	Connection  ConnectionID
	Key         string // the app's, from the URL
	Secret      string // what shows that the request came through the distribution
	ConnectedAt time.Time
}
