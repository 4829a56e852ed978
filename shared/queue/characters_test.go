package queue_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hark/shared/pusher"
	"hark/shared/state"
)

// A queue takes neither U+FFFE nor U+FFFF (docs/aws.md §C), but what clients say of their users is theirs to choose: it arrives as it
// was said.
func TestPublishOfCharactersThatAQueueDoesNotTake(t *testing.T) {
	for name, said := range map[string]string{
		"U+FFFE":                  "a\ufffeb",
		"U+FFFF":                  "a\uffffb",
		"both, and a backslash":   "\\\ufffe\\\\\uffff\ufffe",
		"escaped by the client":   `\ufffe`,
		"a surrogate pair's half": "\U0001ffff \U0001fffe",
		"what HTML escapes":       "<&>\u2028",
	} {
		t.Run(name, func(t *testing.T) {
			l := newLine(t)
			text, err := json.Marshal(map[string]string{"name " + said: said})
			if err != nil {
				t.Fatal(err)
			}
			want := state.Join{
				App: "local", Channel: "presence-room", Connection: "L0SM9cOFvHcCIhw=", Stamp: 5,
				Member: pusher.Member{UserID: said, Info: text},
			}
			if err := l.Publish(t.Context(), want); err != nil {
				t.Fatal(err)
			}
			all := l.all(t)
			if len(all) != 1 {
				t.Fatalf("%d messages", len(all))
			}
			got, ok := read(t, all[0]).(state.Join)
			if !ok {
				t.Fatalf("got %s, which is no join", all[0].Body)
			}
			if diff := cmp.Diff(value(t, want.Member.Info), value(t, got.Member.Info)); diff != "" {
				t.Errorf("the info is another one: %s", diff)
			}
			want.Member.Info, got.Member.Info = nil, nil
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// value is what a JSON text means.
func value(t *testing.T, text json.RawMessage) (v any) {
	t.Helper()
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}
