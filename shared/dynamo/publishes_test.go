package dynamo_test

import (
	"sync"
	"testing"
	"time"

	"hark/shared/dynamo"
	"hark/shared/state"
)

func TestKeepPublishKeepsTheFirstForFiveMinutes(t *testing.T) {
	testState(t, func(t *testing.T, s *dynamo.State) {
		publish := func(app, key, request string) state.KeyedPublish {
			return state.KeyedPublish{
				App: app, Key: key, Request: request, Answer: `{"told":"` + request + `"}`,
			}
		}
		for _, p := range []struct {
			name  string
			after time.Duration
			o     state.KeyedPublish
			want  string // the request that is kept
		}{
			{"the first", 0, publish(app, "k", "1"), "1"},
			{"its repeat", time.Minute, publish(app, "k", "1"), "1"},
			{"another request", time.Minute, publish(app, "k", "2"), "1"},
			{"another key", time.Minute, publish(app, "K", "3"), "3"},
			{
				"a key with the sign that separates parts of keys",
				time.Minute, publish(app, "k#k", "4"), "4",
			},
			{"another app", time.Minute, publish("other", "k", "5"), "5"},
			{"the last moment", 5*time.Minute - time.Second, publish(app, "k", "6"), "1"},
			{
				"five minutes later, although the row still exists",
				5 * time.Minute, publish(app, "k", "7"), "7",
			},
			{"its repeat", 6 * time.Minute, publish(app, "k", "8"), "7"},
		} {
			got, err := s.KeepPublish(t.Context(), p.o, now.Add(p.after))
			want := publish(p.o.App, p.o.Key, p.want)
			if err != nil || got != want {
				t.Errorf("%s: %+v, error %v, want %+v", p.name, got, err, want)
			}
		}
	})
}

func TestKeepPublishAtTheSameTime(t *testing.T) {
	testState(t, func(t *testing.T, s *dynamo.State) {
		kept := make([]string, 8)
		var wg sync.WaitGroup
		for i := range kept {
			wg.Go(func() {
				o, err := s.KeepPublish(t.Context(), state.KeyedPublish{
					App: app, Key: "k", Request: string(rune('a' + i)), Answer: "{}",
				}, now)
				if err != nil {
					t.Error(err)
				}
				kept[i] = o.Request
			})
		}
		wg.Wait()
		for _, request := range kept {
			if request != kept[0] {
				t.Fatalf("several are kept: %q", kept)
			}
		}
	})
}
