// Command recorder is the function that localstack/referee deploys to both clouds. It sends each
// event, unchanged, to the queue RECORDINGS, and then does what the event's wish asks for.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

func main() {
	log := slog.New(slog.NewJSONHandler(os.Stdout, nil))
	cfg, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		log.Error("cannot start", "error", err)
		os.Exit(1)
	}
	r := recorder{queues: sqs.NewFromConfig(cfg), recordings: os.Getenv("RECORDINGS")}
	lambda.Start(r.handle)
}

type recorder struct {
	queues     *sqs.Client
	recordings string // URL of a queue
}

// event is what the recorder reads of any event.
type event struct {
	Records []struct {
		MessageID  string            `json:"messageId"`
		Body       string            `json:"body"`
		Attributes map[string]string `json:"attributes"`
	}
	QueryStringParameters map[string]string `json:"queryStringParameters"`
	Body                  string            `json:"body"`
	Wish                  *wish             `json:"wish"` // of an invocation
}

// wish says what to do: hold the answer back, fail, or answer.
type wish struct {
	HoldMS int  `json:"holdMs"`
	Fail   bool `json:"fail"`
	// for a message: fail while its receive count is at most this
	FailUpTo int             `json:"failUpTo"`
	Answer   json.RawMessage `json:"answer"`
}

func (r recorder) handle(ctx context.Context, raw json.RawMessage) (any, error) {
	text := string(raw)
	_, err := r.queues.SendMessage(ctx,
		&sqs.SendMessageInput{QueueUrl: &r.recordings, MessageBody: &text})
	if err != nil {
		return nil, err
	}
	var e event
	if err := json.Unmarshal(raw, &e); err != nil {
		return nil, err
	}
	if e.Records != nil {
		return failures(e)
	}
	var w wish
	switch query := e.QueryStringParameters["wish"]; {
	case e.Wish != nil:
		w = *e.Wish
	case query != "":
		if err := json.Unmarshal([]byte(query), &w); err != nil {
			return nil, err
		}
	default:
		_ = json.Unmarshal([]byte(e.Body), &w) // most bodies wish for nothing
	}
	time.Sleep(time.Duration(w.HoldMS) * time.Millisecond)
	if w.Fail {
		return nil, errors.New("failed as wished")
	}
	if w.Answer != nil {
		return w.Answer, nil
	}
	return map[string]int{"statusCode": 200}, nil
}

// failures answers a batch. Each message says how often it fails. The messages behind a failure in
// its group fail with it.
func failures(e event) (any, error) {
	type item struct {
		ItemIdentifier string `json:"itemIdentifier"`
	}
	failed := []item{}
	groups := map[string]bool{}
	for _, record := range e.Records {
		var w wish
		_ = json.Unmarshal([]byte(record.Body), &w) // most bodies wish for nothing
		received, err := strconv.Atoi(cmp.Or(record.Attributes["ApproximateReceiveCount"], "0"))
		if err != nil {
			return nil, err
		}
		group := record.Attributes["MessageGroupId"]
		if received <= w.FailUpTo || groups[group] {
			groups[group] = true
			failed = append(failed, item{record.MessageID})
		}
	}
	return map[string][]item{"batchItemFailures": failed}, nil
}
