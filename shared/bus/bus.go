package bus

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
)

// Source is the source of all events from Hark. Rules match it.
const Source = "hark"

// Bus is an event bus. It implements webhook.Bus.
type Bus struct {
	Client *eventbridge.Client
	Name   string // or ARN
}

// Put puts an event on the bus that happened at the given time. detail is a JSON object.
func (b *Bus) Put(ctx context.Context, detailType string, detail []byte, at time.Time) error {
	event := types.PutEventsRequestEntry{
		EventBusName: &b.Name, Source: aws.String(Source), Time: &at,
		DetailType: &detailType, Detail: aws.String(string(detail)),
	}
	out, err := b.Client.PutEvents(ctx, &eventbridge.PutEventsInput{
		Entries: []types.PutEventsRequestEntry{event},
	})
	if err != nil {
		return fmt.Errorf("put %s on the bus: %w", detailType, err)
	}
	// EventBridge answers 200 even if it refuses the event.
	if out.FailedEntryCount > 0 && len(out.Entries) > 0 {
		e := out.Entries[0]
		return fmt.Errorf("put %s on the bus: refused, %s: %s",
			detailType, aws.ToString(e.ErrorCode), aws.ToString(e.ErrorMessage))
	}
	return nil
}
