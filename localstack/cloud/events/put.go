package events

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"hark/localstack/cloud/iam"
	"hark/localstack/cloud/meter"
)

const (
	maxEntries = 10       // of a request
	maxBytes   = 1 << 20  // of all entries of a request: 1 MB since January 2026
	chunk      = 64 << 10 // most bytes that are billed as one event
)

// entry is an event in a request.
type entry struct {
	EventBusName string // or ARN
	Source       string
	DetailType   string
	Detail       string // JSON
	Resources    []string
	Time         *float64 // Unix seconds; now if nil
}

// size is the size that AWS counts (EventBridge User Guide, "Calculating PutEvents event entry
// size").
func (e entry) size() int {
	n := len(e.Source) + len(e.DetailType) + len(e.Detail)
	for _, r := range e.Resources {
		n += len(r)
	}
	if e.Time != nil {
		n += 14
	}
	return n
}

type putInput struct {
	Entries    []entry
	EndpointID string `json:"EndpointId"` // refused if set
}

type putOutput struct {
	FailedEntryCount int
	Entries          []putResult
}

type putResult struct {
	EventID      string `json:"EventId,omitempty"`
	ErrorCode    string `json:",omitempty"`
	ErrorMessage string `json:",omitempty"`
}

// putEvents accepts the entries in order. An invalid entry is refused alone. An invalid request, or
// a bus that the caller may not use, refuses all.
func (s *Service) putEvents(ctx context.Context, in putInput) (putOutput, error) {
	if err := s.checkPut(ctx, in); err != nil {
		return putOutput{}, err
	}
	out := putOutput{Entries: make([]putResult, len(in.Entries))}
	by := meter.By{Function: iam.Caller(ctx), Operation: opPutEvents}
	for i, e := range in.Entries {
		detail, refused := e.check()
		if refused != nil {
			out.FailedEntryCount++
			out.Entries[i] = *refused
			continue
		}
		s.opts.Meter.Add(meter.BusEvents, by, float64(max(1, (e.size()+chunk-1)/chunk)))
		out.Entries[i].EventID = newID()
		s.deliver(ctx, e, out.Entries[i].EventID, detail)
	}
	return out, nil
}

func (s *Service) checkPut(ctx context.Context, in putInput) error {
	bytes := 0
	for _, e := range in.Entries {
		bus := s.busARN(busName(e.EventBusName))
		if err := iam.Check(ctx, "events:PutEvents", bus); err != nil {
			return err
		}
		bytes += e.size()
	}
	switch n := len(in.Entries); {
	case in.EndpointID != "":
		return invalid("EndpointId is not supported by the local cloud")
	case n < 1:
		return invalid("1 validation error detected: Value '[]' at 'entries' failed to satisfy " +
			"constraint: Member must have length greater than or equal to 1")
	case n > maxEntries:
		return invalid(fmt.Sprintf("1 validation error detected: Value '[%d entries]' at "+
			"'entries' failed to satisfy constraint: "+
			"Member must have length less than or equal to %d", n, maxEntries))
	case bytes > maxBytes:
		return invalid(fmt.Sprintf(
			"Total size of the entries in the request is over the limit: %d of %d bytes",
			bytes, maxBytes,
		))
	}
	return nil
}

// check returns the entry's detail, or its refusal.
func (e entry) check() (detail map[string]any, refused *putResult) {
	for _, field := range []struct{ name, value string }{
		{"Source", e.Source}, {"DetailType", e.DetailType}, {"Detail", e.Detail},
	} {
		if field.value == "" {
			return nil, &putResult{
				ErrorCode: "InvalidArgument",
				ErrorMessage: fmt.Sprintf(
					"Parameter %[1]s is not valid. Reason: %[1]s is a required argument.",
					field.name,
				),
			}
		}
	}
	if strings.HasPrefix(e.Source, "aws.") {
		return nil, &putResult{
			ErrorCode:    "NotAuthorizedForSourceException",
			ErrorMessage: "Not authorized for the source.",
		}
	}
	v, err := decode([]byte(e.Detail))
	detail, isObject := v.(map[string]any)
	if err != nil || !isObject {
		return nil, &putResult{ErrorCode: "MalformedDetail", ErrorMessage: "Detail is malformed."}
	}
	return detail, nil
}

// envelope is an event in the form that targets get.
type envelope struct {
	Version    string          `json:"version"`
	ID         string          `json:"id"`
	DetailType string          `json:"detail-type"`
	Source     string          `json:"source"`
	Account    string          `json:"account"`
	Time       string          `json:"time"`
	Region     string          `json:"region"`
	Resources  []string        `json:"resources"`
	Detail     json.RawMessage `json:"detail"`
}

// encode returns the event as JSON, without the HTML escapes of json.Marshal.
func (e envelope) encode() (string, error) {
	var text strings.Builder
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	err := enc.Encode(e)
	return strings.TrimSuffix(text.String(), "\n"), err
}

// deliver sends the event to the targets of the rules that it matches. An event for a bus that does
// not exist is dropped, although it was accepted: AWS does the same.
func (s *Service) deliver(ctx context.Context, e entry, id string, detail map[string]any) {
	bus := busName(e.EventBusName)
	rules, exists := s.rules(bus)
	if !exists {
		s.opts.Log.Warn(
			"an event is for a bus that does not exist",
			"bus", bus, "source", e.Source, "detail-type", e.DetailType,
		)
		return
	}
	event := s.envelop(e, id)
	body, err := event.encode()
	if err != nil {
		s.opts.Log.Error("cannot encode event", "error", err)
		return
	}
	fields := map[string]any{
		"version":     event.Version,
		"id":          id,
		"detail-type": e.DetailType,
		"source":      e.Source,
		"account":     event.Account,
		"time":        event.Time,
		"region":      event.Region,
		"resources":   anyOf(event.Resources),
		"detail":      detail,
	}
	// EventBridge's own calls need no role; boot has checked the queues' policies.
	asEventBridge := iam.WithRole(context.WithoutCancel(ctx), nil)
	for _, r := range rules {
		if !r.pattern.matches(fields) {
			continue
		}
		for _, t := range r.targets {
			group := t.SQSParameters.MessageGroupID
			if err := s.opts.Queues.Send(asEventBridge, t.ARN, group, body); err != nil {
				s.opts.Log.Error(
					"event not delivered", "rule", r.name, "target", t.ARN, "error", err,
				)
			}
		}
	}
}

func (s *Service) envelop(e entry, id string) envelope {
	at := s.opts.Now()
	if e.Time != nil {
		at = time.Unix(int64(*e.Time), 0)
	}
	resources := e.Resources
	if resources == nil {
		resources = []string{}
	}
	return envelope{
		Version:    "0",
		ID:         id,
		DetailType: e.DetailType,
		Source:     e.Source,
		Account:    s.opts.Account,
		Time:       at.UTC().Format(time.RFC3339),
		Region:     s.opts.Region,
		Resources:  resources,
		Detail:     json.RawMessage(e.Detail),
	}
}

func anyOf(texts []string) []any {
	out := make([]any, len(texts))
	for i, s := range texts {
		out[i] = s
	}
	return out
}

// newID returns a random (version 4) UUID.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	s := hex.EncodeToString(b[:])
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
}
