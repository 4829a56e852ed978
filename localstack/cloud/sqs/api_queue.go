package sqs

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"time"

	"hark/localstack/cloud/iam"
)

type queueURLInput struct {
	QueueName              string
	QueueOwnerAWSAccountID string `json:"QueueOwnerAWSAccountId"`
}

type queueURLOutput struct {
	QueueURL string `json:"QueueUrl"`
}

func (s *Service) getQueueURL(
	ctx context.Context, c *call, in queueURLInput,
) (queueURLOutput, error) {
	if in.QueueName == "" {
		return queueURLOutput{}, errMissing("QueueName")
	}
	if in.QueueOwnerAWSAccountID != "" && in.QueueOwnerAWSAccountID != s.opts.Account {
		return queueURLOutput{}, errNoQueue()
	}
	q, err := s.open(ctx, c, "GetQueueUrl", s.arn(in.QueueName))
	if err != nil {
		return queueURLOutput{}, err
	}
	return queueURLOutput{s.url(q.name)}, nil
}

type listInput struct {
	QueueNamePrefix string
	MaxResults      *int
	NextToken       string // the last name of the page before, in base64
}

type listOutput struct {
	QueueURLs []string `json:"QueueUrls,omitempty"`
	NextToken string   `json:",omitempty"`
}

func (s *Service) listQueues(ctx context.Context, _ *call, in listInput) (listOutput, error) {
	if err := iam.Check(ctx, "sqs:ListQueues", s.arn("")); err != nil {
		return listOutput{}, err
	}
	if err := checkRange(
		"MaxResults", in.MaxResults, 1, 1000, "Must be between 1 and 1000, if provided.",
	); err != nil {
		return listOutput{}, err
	}
	after, err := base64.StdEncoding.DecodeString(in.NextToken)
	if err != nil {
		return listOutput{}, errValue(
			in.NextToken, "NextToken", "It is not one that ListQueues gave.",
		)
	}
	names := s.names(in.QueueNamePrefix)
	if start, found := slices.BinarySearch(names, string(after)); found {
		names = names[start+1:]
	} else {
		names = names[start:]
	}
	var out listOutput
	if in.MaxResults != nil && len(names) > *in.MaxResults {
		names = names[:*in.MaxResults]
		out.NextToken = base64.StdEncoding.EncodeToString([]byte(names[len(names)-1]))
	}
	for _, name := range names {
		out.QueueURLs = append(out.QueueURLs, s.url(name))
	}
	return out, nil
}

type sourcesInput struct {
	QueueURL  string `json:"QueueUrl"`
	NextToken string
}

type sourcesOutput struct {
	QueueURLs []string `json:"queueUrls"`
}

// listSources lists the queues whose dead letters go to this one. It returns all of them at once.
func (s *Service) listSources(
	ctx context.Context, c *call, in sourcesInput,
) (sourcesOutput, error) {
	q, err := s.openURL(ctx, c, "ListDeadLetterSourceQueues", in.QueueURL)
	if err != nil {
		return sourcesOutput{}, err
	}
	if in.NextToken != "" {
		return sourcesOutput{}, errValue(
			in.NextToken, "NextToken", "It is not one that ListDeadLetterSourceQueues gave.",
		)
	}
	out := sourcesOutput{QueueURLs: []string{}}
	for _, name := range s.names("") {
		if source := s.queue(name); source.redrive != nil &&
			source.redrive.DeadLetterTargetARN == q.arn {
			out.QueueURLs = append(out.QueueURLs, s.url(name))
		}
	}
	return out, nil
}

type attributesInput struct {
	QueueURL       string `json:"QueueUrl"`
	AttributeNames []string
}

type attributesOutput struct {
	Attributes map[string]string `json:",omitempty"`
}

// neverSet returns attributes that a request may ask for and no queue here has.
func neverSet() []string {
	return []string{"Policy", "KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds"}
}

func (s *Service) getQueueAttributes(
	ctx context.Context, c *call, in attributesInput,
) (attributesOutput, error) {
	q, err := s.openURL(ctx, c, "GetQueueAttributes", in.QueueURL)
	if err != nil {
		return attributesOutput{}, err
	}
	all := q.attributes()
	out := attributesOutput{Attributes: make(map[string]string)}
	for _, name := range in.AttributeNames {
		value, set := all[name]
		switch {
		case name == "All":
			for name, value := range all {
				if value != "" {
					out.Attributes[name] = value
				}
			}
		case set && value != "":
			out.Attributes[name] = value
		case !set && !slices.Contains(neverSet(), name):
			return attributesOutput{}, refuse(model+"InvalidAttributeName", "InvalidAttributeName",
				"Unknown Attribute %s.", name)
		}
	}
	return out, nil
}

// attributes returns every attribute that a queue may have. Those that this queue does not have are
// empty.
func (q *queue) attributes() map[string]string {
	var count [states]int
	q.do(func(time.Time) { count = q.count })
	inSeconds := func(d time.Duration) string { return strconv.Itoa(int(d / time.Second)) }
	created := strconv.FormatInt(q.created.Unix(), 10)
	m := map[string]string{
		"QueueArn":                              q.arn,
		"ApproximateNumberOfMessages":           strconv.Itoa(count[visible]),
		"ApproximateNumberOfMessagesNotVisible": strconv.Itoa(count[inFlight]),
		"ApproximateNumberOfMessagesDelayed":    strconv.Itoa(count[delayed]),
		"CreatedTimestamp":                      created,
		"LastModifiedTimestamp":                 created,
		"DelaySeconds":                          inSeconds(q.delay),
		"MaximumMessageSize":                    strconv.Itoa(q.maxSize),
		"MessageRetentionPeriod":                inSeconds(q.retention),
		"ReceiveMessageWaitTimeSeconds":         inSeconds(q.wait),
		"VisibilityTimeout":                     inSeconds(q.visibility),
		"SqsManagedSseEnabled":                  "true",
		"RedriveAllowPolicy":                    q.redriveAllowance,
		"RedrivePolicy":                         "",
		"FifoQueue":                             "",
		"ContentBasedDeduplication":             "",
		"DeduplicationScope":                    "",
		"FifoThroughputLimit":                   q.throughput,
	}
	if q.redrive != nil {
		policy, err := json.Marshal(q.redrive)
		if err == nil {
			m["RedrivePolicy"] = string(policy)
		}
	}
	if q.fifo {
		m["FifoQueue"] = "true"
		m["ContentBasedDeduplication"] = strconv.FormatBool(q.contentDedup)
		m["DeduplicationScope"] = "queue"
		if q.groupDedup {
			m["DeduplicationScope"] = "messageGroup"
		}
	}
	return m
}

type purgeInput struct {
	QueueURL string `json:"QueueUrl"`
}

// purgeQueue empties the queue. It is done at once, where AWS takes up to a minute. Like AWS it
// refuses a second call within a minute.
func (s *Service) purgeQueue(ctx context.Context, c *call, in purgeInput) (struct{}, error) {
	q, err := s.openURL(ctx, c, "PurgeQueue", in.QueueURL)
	if err != nil {
		return struct{}{}, err
	}
	q.do(func(now time.Time) {
		if now.Sub(q.purged) < time.Minute {
			busy := refuse(model+"PurgeQueueInProgress", query+"PurgeQueueInProgress",
				"Only one PurgeQueue operation on %s is allowed every 60 seconds.", q.name)
			busy.Status = http.StatusForbidden
			err = busy
			return
		}
		q.purged = now
		q.purge()
	})
	return struct{}{}, err
}
