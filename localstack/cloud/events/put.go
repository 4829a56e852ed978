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
	mostEntries = 10       // of a request
	maxEntries  = 1 << 20  // bytes of all of them: 1 MB since January 2026
	chunk       = 64 << 10 // bytes that are billed as one event
)

// entry is an event as it is put.
type entry struct {
	EventBusName string // or ARN
	Source       string
	DetailType   string
	Detail       string // JSON
	Resources    []string
	Time         *float64 // Unix seconds; now if nil
}

// size is what AWS weighs (EventBridge User Guide, "Calculating PutEvents event entry size").
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

// putEvents takes the entries one after another. What is wrong with one refuses it alone; what is
// wrong with the request, or a bus that the caller may not use, refuses all.
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
		if err := iam.Check(
			ctx, "events:PutEvents", s.busARN(busName(e.EventBusName)),
		); err != nil {
			return err
		}
		bytes += e.size()
	}
	switch n := len(in.Entries); {
	case in.EndpointID != "":
		return invalid("EndpointId is not supported by the local cloud")
	case n < 1:
		return invalid("1 validation error detected: Value '[]' at 'entries' failed to satisfy " +
			"constraint: " +
			"Member must have length greater than or equal to 1")
	case n > mostEntries:
		return invalid(fmt.Sprintf("1 validation error detected: Value '[%d entries]' at "+
			"'entries' failed to satisfy constraint: "+
			"Member must have length less than or equal to %d", n, mostEntries))
	case bytes > maxEntries:
		return invalid(fmt.Sprintf(
			"Total size of the entries in the request is over the limit: %d of %d bytes",
			bytes, maxEntries,
		))
	}
	return nil
}

// check returns the entry's detail, or how it is refused.
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

// envelope is an event as targets get it.
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

// encode writes the event as it is: json.Marshal would put HTML's escapes into it.
func (e envelope) encode() (string, error) {
	var text strings.Builder
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	err := enc.Encode(e)
	return strings.TrimSuffix(text.String(), "\n"), err
}

// deliver sends the event to the targets of the rules that it matches. An event for a bus that does
// not exist has been accepted, as AWS does, and goes nowhere.
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
	// whom the queues' policies let in: boot has looked
	asEventBridge := iam.WithRole(context.WithoutCancel(ctx), nil)
	for _, r := range rules {
		if !r.pattern.matches(fields) {
			continue
		}
		for _, t := range r.targets {
			if err := s.opts.Queues.Send(
				asEventBridge, t.ARN, t.SQSParameters.MessageGroupID, body,
			); err != nil {
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
		Version: "0", ID: id, DetailType: e.DetailType, Source: e.Source, Account: s.opts.Account,
		Time:      at.UTC().Format(time.RFC3339),
		Region:    s.opts.Region,
		Resources: resources,
		Detail:    json.RawMessage(e.Detail),
	}
}

func anyOf(texts []string) []any {
	out := make([]any, len(texts))
	for i, s := range texts {
		out[i] = s
	}
	return out
}

// newID is a random (version 4) UUID.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	s := hex.EncodeToString(b[:])
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
}
