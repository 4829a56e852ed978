package queue

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-lambda-go/events"
)

// Route returns the handler of a function that several queues feed. handlers has a handler for each
// queue's URL. All messages of a batch come from one queue.
func Route(handlers map[string]Handler) Handler {
	byName := make(map[string]Handler, len(handlers))
	for url, h := range handlers {
		byName[url[strings.LastIndexByte(url, '/')+1:]] = h
	}
	return func(ctx context.Context, e events.SQSEvent) (events.SQSEventResponse, error) {
		if len(e.Records) == 0 {
			return noFailures(), nil
		}
		arn := e.Records[0].EventSourceARN
		h, ok := byName[arn[strings.LastIndexByte(arn, ':')+1:]]
		if !ok {
			err := fmt.Errorf("messages of %q, a queue that is not ours", arn)
			return events.SQSEventResponse{}, err
		}
		return h(ctx, e)
	}
}
