package bus

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
)

// Source is where the events say that they come from.
const Source = "hark"

// Bus is an event bus. It fits webhook.Bus.
type Bus struct {
	Client *eventbridge.Client
	Name   string // or ARN
}

// Put puts one event, as of then. Its detail is a JSON object. EventBridge answers 200 to what it refuses, and says so in the answer.
func (b *Bus) Put(ctx context.Context, detailType string, detail []byte, at time.Time) error {
	out, err := b.Client.PutEvents(ctx, &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{{
		EventBusName: &b.Name, Source: aws.String(Source), DetailType: &detailType, Detail: aws.String(string(detail)), Time: &at,
	}}})
	if err != nil {
		return fmt.Errorf("put %s on the bus: %w", detailType, err)
	}
	if out.FailedEntryCount > 0 && len(out.Entries) > 0 {
		e := out.Entries[0]
		return fmt.Errorf("put %s on the bus: refused, %s: %s", detailType, aws.ToString(e.ErrorCode), aws.ToString(e.ErrorMessage))
	}
	return nil
}
