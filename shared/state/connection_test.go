package state_test

import (
	"encoding/json"
	"testing"

	"hark/shared/state"
)

// What a presence channel shows of a connection that is signed in (docs/protocol.md §3.6).
func TestConnectionMember(t *testing.T) {
	c := state.Connection{User: "7", UserInfo: json.RawMessage(`{"name":"Ann"}`)}
	if m := c.Member(); m.UserID != "7" || string(m.Info) != `{"name":"Ann"}` {
		t.Errorf("got %+v", m)
	}
}
