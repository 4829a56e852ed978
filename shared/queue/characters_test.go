package queue_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hark/shared/pusher"
	"hark/shared/state"
)

// SQS takes neither U+FFFE nor U+FFFF (docs/aws.md §C). Apps may have them in the info of members
// all the same, and it must arrive unchanged.
func TestCharactersThatSQSDoesNotTakeArrive(t *testing.T) {
	for name, text := range map[string]string{
		"U+FFFE":                  "a\ufffeb",
		"U+FFFF":                  "a\uffffb",
		"both, and a backslash":   "\\\ufffe\\\\\uffff\ufffe",
		"escaped by the app":      `\ufffe`,
		"a surrogate pair's half": "\U0001ffff \U0001fffe",
		"what HTML escapes":       "<&>\u2028",
	} {
		t.Run(name, func(t *testing.T) {
			q := newQueue(t)
			info, err := json.Marshal(map[string]string{"name " + text: text})
			if err != nil {
				t.Fatal(err)
			}
			want := state.Join{
				App: "local", Channel: "presence-room", Connection: "L0SM9cOFvHcCIhw=", Stamp: 5,
				Member: pusher.Member{UserID: text, Info: info},
			}
			if err := q.Publish(t.Context(), want); err != nil {
				t.Fatal(err)
			}
			all := q.all(t)
			if len(all) != 1 {
				t.Fatalf("%d messages", len(all))
			}
			got, ok := read(t, all[0]).(state.Join)
			if !ok {
				t.Fatalf("got %s, which is not a join", all[0].Body)
			}
			if diff := cmp.Diff(value(t, want.Member.Info), value(t, got.Member.Info)); diff != "" {
				t.Errorf("the info has changed: %s", diff)
			}
			want.Member.Info, got.Member.Info = nil, nil
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// value decodes a JSON text.
func value(t *testing.T, text json.RawMessage) (v any) {
	t.Helper()
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}
