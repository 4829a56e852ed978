package queue

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-lambda-go/events"
)

// Route returns the handler of a function that several queues feed: the batches of each go to the handler that stands beside its URL. A
// batch comes of one queue; an empty one is of none.
func Route(handlers map[string]Handler) Handler {
	byName := make(map[string]Handler, len(handlers))
	for url, h := range handlers {
		byName[url[strings.LastIndexByte(url, '/')+1:]] = h
	}
	return func(ctx context.Context, e events.SQSEvent) (events.SQSEventResponse, error) {
		if len(e.Records) == 0 {
			return events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}}, nil
		}
		arn := e.Records[0].EventSourceARN
		h, ok := byName[arn[strings.LastIndexByte(arn, ':')+1:]]
		if !ok {
			return events.SQSEventResponse{}, fmt.Errorf("messages of %q, a queue that is not ours", arn)
		}
		return h(ctx, e)
	}
}
