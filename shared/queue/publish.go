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

// Refused is the queue of messages that could not be published: the dead letters of the publish queue.
type Refused struct {
	Client *sqs.Client
	URL    string
}

// Trigger publishes events.
type Trigger interface {
	// Trigger publishes the event that the body is to the app's channels. It fails with a *pusher.HTTPError if it never will.
	Trigger(ctx context.Context, app string, body []byte) error
}

// The message attributes of what is refused.
const (
	reasonAttribute = "Reason"
	statusAttribute = "Status" // that the HTTP API would have answered with
)

// Consume returns the handler of the publish queue. A message is what POST /apps/{id}/events takes, with the app's ID in app_id, or
// EventBridge's envelope around it. One that is refused goes to the dead letters with the reason, so that it holds up nothing; one that
// fails for another reason comes again, before any other of its group.
func (r *Refused) Consume(t Trigger, log *slog.Logger) Handler {
	read := func(m events.SQSMessage) (events.SQSMessage, error) { return m, nil }
	return consume(log, read, func(ctx context.Context, messages []events.SQSMessage) (done int, err error) {
		for i, m := range messages {
			err := publish(ctx, t, m.Body)
			var no *pusher.HTTPError
			if errors.As(err, &no) {
				log.WarnContext(ctx, "event refused, it is with the dead letters", "message", m.MessageId, "status", no.Status, "reason", no.Message)
				err = r.bury(ctx, m, no)
			}
			if err != nil {
				return i, err
			}
		}
		return len(messages), nil
	})
}

// publish reads a message and publishes it.
func publish(ctx context.Context, t Trigger, text string) error {
	body := []byte(text)
	var envelope struct {
		DetailType string          `json:"detail-type"`
		Detail     json.RawMessage `json:"detail"`
	}
	if err := json.Unmarshal(body, &envelope); err == nil && envelope.DetailType == config.PublishDetailType {
		body = envelope.Detail
	}
	var to struct {
		App *string `json:"app_id"`
	}
	err := json.Unmarshal(body, &to)
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.As(err, &wrong) && wrong.Field != "":
		return pusher.HTTPErrorf(http.StatusBadRequest, "The app_id field must not be a JSON %s", wrong.Value)
	case err != nil:
		return pusher.HTTPErrorf(http.StatusBadRequest, "The message is not a JSON object")
	case to.App == nil:
		return pusher.HTTPErrorf(http.StatusBadRequest, "The app_id field is required")
	}
	return t.Trigger(ctx, *to.App, body)
}

// bury sends the message to the dead letters, once however often it is tried, and in its place among those of its group.
func (r *Refused) bury(ctx context.Context, m events.SQSMessage, why *pusher.HTTPError) error {
	_, err := r.Client.SendMessage(ctx, &sqs.SendMessageInput{
		QueueUrl: &r.URL, MessageBody: &m.Body,
		MessageGroupId: aws.String(m.Attributes["MessageGroupId"]), MessageDeduplicationId: &m.MessageId,
		MessageAttributes: map[string]types.MessageAttributeValue{
			reasonAttribute: {DataType: aws.String("String"), StringValue: aws.String(printable(why.Message))},
			statusAttribute: {DataType: aws.String("Number"), StringValue: aws.String(strconv.Itoa(why.Status))},
		},
	})
	if err != nil {
		return fmt.Errorf("queue a dead letter: %w", err)
	}
	return nil
}

// printable is a text without what a queue would not take: a reason may quote what it refuses.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}
