package httpapi_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"hark/shared/pusher"
)

// keyed returns a publish with the key in the header, unless it is "".
func keyed(body, header string) request {
	r := request{body: body}
	if header != "" {
		r.header = http.Header{"Idempotency-Key": {header}}
	}
	return r
}

// repeatKeys returns the channels and repeat keys of the published events.
func (p *publisher) repeatKeys() []string {
	var keys []string
	for _, e := range p.got {
		keys = append(keys, string(e.Channel)+" "+e.RepeatKey)
	}
	return keys
}

func TestIdempotencyKey(t *testing.T) {
	const (
		plain = `{"name":"e","data":"d","channel":"a"}`
		field = `{"name":"e","data":"d","channel":"a","idempotency_key":"k1"}`
	)
	long := strings.Repeat("~", 255)
	for _, c := range []struct {
		name   string
		first  request
		second request
		same   bool // the second is a repeat of the first
	}{
		{"none: two equal events are two", keyed(plain, ""), keyed(plain, ""), false},
		{
			"null is none", keyed(strings.Replace(field, `"k1"`, "null", 1), ""),
			keyed(strings.Replace(field, `"k1"`, "null", 1), ""), false,
		},
		{"in the header", keyed(plain, "k1"), keyed(plain, "k1"), true},
		{"in the body", keyed(field, ""), keyed(field, ""), true},
		{"in either", keyed(field, ""), keyed(plain, "k1"), true},
		{"in both: the header wins", keyed(field, "k2"), keyed(plain, "k2"), true},
		{"in both: the body does not", keyed(field, "k2"), keyed(plain, "k1"), false},
		{
			"the body written otherwise", keyed(plain, "k1"),
			keyed(`{"channels":["a","a"], "data":"\u0064", "name":"e"}`, "k1"), true,
		},
		{"another key", keyed(plain, "k1"), keyed(plain, "K1"), false},
		{"the longest", keyed(plain, long), keyed(plain, long), true},
		{
			"data that was encrypted anew",
			keyed(`{"name":"e","data":"1","channel":"private-encrypted-a"}`, "k"),
			keyed(`{"name":"e","data":"2","channel":"private-encrypted-a"}`, "k"), true,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newServer(t)
			for _, r := range []request{c.first, c.second} {
				s.do(t, r).accepted(t, "{}")
			}
			keys := s.repeatKeys()
			if len(keys) != 2 {
				t.Fatalf("queued %q", keys)
			}
			if same := s.got[0].RepeatKey != "" && keys[0] == keys[1]; same != c.same {
				t.Errorf("queued as %q", keys)
			}
		})
	}
}

func TestIdempotencyKeyIsRefused(t *testing.T) {
	const limit = "must have 1 to 255 visible ASCII characters"
	for _, c := range []struct{ name, field, says string }{
		{"empty", `""`, "0 bytes, it " + limit},
		{"too long", `"` + strings.Repeat("x", 256) + `"`, "256 bytes, it " + limit},
		{"with a space", `"a b"`, `"a b": ' ' is not a visible ASCII character`},
		{"with a letter of another script", `"ключ"`, "is not a visible ASCII character"},
		{"a number", `7`, "The idempotency_key field must not be a JSON number"},
	} {
		for path, body := range map[string]string{
			"/apps/3/events": `{"name":"e","data":"d","channel":"a","idempotency_key":%s}`,
			"/apps/3/batch_events": `{"batch":[{"name":"e","data":"d","channel":"a"}],` +
				`"idempotency_key":%s}`,
		} {
			t.Run(c.name+" "+path, func(t *testing.T) {
				s := newServer(t)
				s.refused(t, s.do(t, request{path: path, body: fmt.Sprintf(body, c.field)}), 400,
					c.says)
			})
		}
	}
	t.Run("an empty header", func(t *testing.T) {
		s := newServer(t)
		r := keyed(`{"name":"e","data":"d","channel":"a"}`, "")
		r.header = http.Header{"Idempotency-Key": {""}}
		s.refused(t, s.do(t, r), 400, limit)
	})
	t.Run("a long header", func(t *testing.T) {
		s := newServer(t)
		s.refused(t,
			s.do(t, keyed(`{"name":"e","data":"d","channel":"a"}`, strings.Repeat("x", 256))), 400,
			limit)
	})
}

// Nothing of a request is published if its key was used for another in the last five minutes.
func TestIdempotencyKeyOfAnotherRequest(t *testing.T) {
	const first = `{"name":"e","data":"d","channel":"a","socket_id":"1.2"}`
	for _, second := range []string{
		`{"name":"f","data":"d","channel":"a","socket_id":"1.2"}`,
		`{"name":"e","data":"D","channel":"a","socket_id":"1.2"}`,
		`{"name":"e","data":"d","channel":"b","socket_id":"1.2"}`,
		`{"name":"e","data":"d","channels":["a","b"],"socket_id":"1.2"}`,
		`{"name":"e","data":"d","channel":"a"}`,
		`{"name":"e","data":"d","channel":"a","socket_id":"1.2","info":"subscription_count"}`,
	} {
		t.Run(second, func(t *testing.T) {
			s := newServer(t)
			at := now
			s.api.Now = func() time.Time { return at }
			s.do(t, keyed(first, "order-7")).accepted(t, "{}")
			s.got = nil
			at = now.Add(4 * time.Minute)
			s.refused(t, s.do(t, keyed(second, "order-7")), 422,
				"The idempotency key order-7 was used for another request "+
					"within the last 5 minutes")
			at = now.Add(5 * time.Minute)
			if a := s.do(t, keyed(second, "order-7")); a.status != 200 || len(s.got) == 0 {
				t.Errorf("five minutes later: %d %s", a.status, a.body)
			}
		})
	}
}

func TestRepeatsAreAnsweredAsTheFirst(t *testing.T) {
	for _, c := range []struct{ name, path, body, want string }{
		{
			"a publish", "/apps/3/events",
			`{"name":"e","data":"","channels":["a","presence-b"],` +
				`"info":"subscription_count,user_count"}`,
			`{"channels":{"a":{"subscription_count":1},"presence-b":{"user_count":0}}}`,
		},
		{
			"a batch", "/apps/3/batch_events",
			`{"batch":[{"name":"e","data":"","channel":"a","info":"subscription_count"},` +
				`{"name":"e","data":"","channel":"a"}]}`,
			`{"batch":[{"subscription_count":1},{}]}`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newServer(t)
			s.subscribe(t, "a", "one")
			r := keyed(c.body, "k")
			r.path = c.path
			s.do(t, r).accepted(t, c.want)
			first := s.repeatKeys()
			s.got = nil
			s.subscribe(t, "a", "two")
			s.do(t, r).accepted(t, c.want)
			if again := s.repeatKeys(); !slices.Equal(again, first) {
				t.Errorf("queued as %q and then as %q", first, again)
			}
			slices.Sort(first)
			if len(slices.Compact(first)) != 2 {
				t.Errorf("two events are queued as %q", first)
			}
		})
	}
}

// A publisher that gets an error repeats the publish. Events that were queued by the first attempt
// have the same repeat key in the second.
func TestPublishIsRepeatedAfterAnError(t *testing.T) {
	s := newServer(t)
	r := keyed(`{"name":"e","data":"d","channel":"a"}`, "k")
	s.err = errors.New("inner-text of the queue")
	s.refused(t, s.do(t, r), 500, "Internal server error")
	s.err = nil
	s.do(t, r).accepted(t, "{}")
	s.do(t, r).accepted(t, "{}")
	if keys := s.repeatKeys(); len(keys) != 2 || keys[0] != keys[1] {
		t.Errorf("queued as %q", keys)
	}

	s = newServer(t)
	s.tableFails.Store(true)
	// nothing is queued whose answer cannot be kept
	s.refused(t, s.do(t, r), 500, "Internal server error")
	s.do(t, keyed(r.body, "")).accepted(t, "{}")
}

func TestRepeatsAtTheSameMoment(t *testing.T) {
	s := newServer(t)
	broadcasts := s.localQueue(t)
	s.api.Publisher = broadcasts
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			s.do(t, keyed(`{"name":"e","data":"d","channels":["a","b"]}`, "k")).accepted(t, "{}")
		})
	}
	wg.Wait()
	const count = types.QueueAttributeNameApproximateNumberOfMessages
	out, err := broadcasts.Client.GetQueueAttributes(t.Context(), &awssqs.GetQueueAttributesInput{
		QueueUrl: &broadcasts.URL, AttributeNames: []types.QueueAttributeName{count},
	})
	if err != nil || out.Attributes[string(count)] != "2" {
		t.Errorf("queued %v, error %v, want one for each channel", out, err)
	}
}

// Trigger needs no row for a key, because there is no answer to repeat.
func TestTriggerWithAKey(t *testing.T) {
	s := newServer(t)
	s.api.State = nil
	body := []byte(`{"name":"e","data":"d","channel":"a","idempotency_key":"k"}`)
	for range 2 {
		if err := s.api.Trigger(t.Context(), "3", body); err != nil {
			t.Fatal(err)
		}
	}
	if keys := s.repeatKeys(); len(keys) != 2 || keys[0] != keys[1] || s.got[0].RepeatKey == "" {
		t.Errorf("queued as %q", keys)
	}
	var refusal *pusher.HTTPError
	err := s.api.Trigger(t.Context(), "3",
		[]byte(`{"name":"e","data":"d","channel":"a","idempotency_key":""}`))
	if !errors.As(err, &refusal) || refusal.Status != 400 {
		t.Errorf("got %v", err)
	}
}
