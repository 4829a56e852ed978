package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"unicode"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"hark/shared/config"
	"hark/shared/pusher"
)

// Refused is the queue of messages that could not be published.
type Refused struct {
	Client *sqs.Client
	URL    string
}

// Trigger publishes events by the rules of the HTTP API.
type Trigger interface {
	// Trigger publishes one event; body is that of POST /apps/{id}/events. It fails with a
	// *pusher.HTTPError if the event is refused, which a repeat would not change.
	Trigger(ctx context.Context, app string, body []byte) error
}

// The attributes of a refused message.
const (
	reasonAttribute = "Reason"
	statusAttribute = "Status" // that of the HTTP API's answer to such a request
)

// Consume returns the handler of the publish queue. A message is the body of POST /apps/{id}/events
// with the app's ID in app_id, or EventBridge's envelope around it. A refused message is moved to
// the refused queue with the reason, so that it holds up nothing. One that fails for another reason
// is received again, before any other of its group.
func (r *Refused) Consume(t Trigger, log *slog.Logger) Handler {
	read := func(m events.SQSMessage) (events.SQSMessage, error) { return m, nil }
	work := func(ctx context.Context, messages []events.SQSMessage) (done int, err error) {
		for i, m := range messages {
			err := publish(ctx, t, m.Body)
			var refusal *pusher.HTTPError
			if errors.As(err, &refusal) {
				log.WarnContext(ctx, "event refused, its message is in the refused queue",
					"message", m.MessageId, "status", refusal.Status, "reason", refusal.Message)
				err = r.send(ctx, m, refusal)
			}
			if err != nil {
				return i, err
			}
		}
		return len(messages), nil
	}
	return consume(log, read, work)
}

// publish reads a message and publishes it.
func publish(ctx context.Context, t Trigger, text string) error {
	body := []byte(text)
	var envelope struct {
		DetailType string          `json:"detail-type"`
		Detail     json.RawMessage `json:"detail"`
	}
	err := json.Unmarshal(body, &envelope)
	if err == nil && envelope.DetailType == config.PublishDetailType {
		body = envelope.Detail
	}
	var to struct {
		App *string `json:"app_id"`
	}
	err = json.Unmarshal(body, &to)
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.As(err, &wrong) && wrong.Field != "":
		return pusher.HTTPErrorf(http.StatusBadRequest,
			"The app_id field must not be a JSON %s", wrong.Value)
	case err != nil:
		return pusher.HTTPErrorf(http.StatusBadRequest, "The message is not a JSON object")
	case to.App == nil:
		return pusher.HTTPErrorf(http.StatusBadRequest, "The app_id field is required")
	}
	return t.Trigger(ctx, *to.App, body)
}

// send sends a refused message to the queue, in the message group that it came from. However often
// it is called, the queue takes the message once.
func (r *Refused) send(
	ctx context.Context, m events.SQSMessage, refusal *pusher.HTTPError,
) error {
	attribute := func(dataType, value string) types.MessageAttributeValue {
		return types.MessageAttributeValue{DataType: &dataType, StringValue: &value}
	}
	_, err := r.Client.SendMessage(ctx, &sqs.SendMessageInput{
		QueueUrl: &r.URL, MessageBody: &m.Body,
		MessageGroupId:         aws.String(m.Attributes["MessageGroupId"]),
		MessageDeduplicationId: &m.MessageId,
		MessageAttributes: map[string]types.MessageAttributeValue{
			reasonAttribute: attribute("String", printable(refusal.Message)),
			statusAttribute: attribute("Number", strconv.Itoa(refusal.Status)),
		},
	})
	if err != nil {
		return fmt.Errorf("queue a refused message: %w", err)
	}
	return nil
}

// printable replaces the characters that an attribute may not hold. A reason may quote them from
// the refused message.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}
