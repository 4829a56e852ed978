package sqs_test

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"hark/localstack/cloud/sqs"
)

func text(value string) types.MessageAttributeValue {
	return types.MessageAttributeValue{DataType: aws.String("String"), StringValue: &value}
}

func (r *rig) trySend(
	url, body string, change ...func(*awssqs.SendMessageInput),
) (*awssqs.SendMessageOutput, error) {
	in := &awssqs.SendMessageInput{QueueUrl: &url, MessageBody: &body}
	for _, f := range change {
		f(in)
	}
	return r.client.SendMessage(r.ctx, in)
}

func with(attributes map[string]types.MessageAttributeValue) func(*awssqs.SendMessageInput) {
	return func(in *awssqs.SendMessageInput) { in.MessageAttributes = attributes }
}

// refusesSend is a case in which a standard queue refuses a message.
func refusesSend(
	name, code, differs, body string, change ...func(*awssqs.SendMessageInput),
) conformance {
	return conformance{name: name, differs: differs, run: func(r *rig) {
		_, err := r.trySend(r.standard(), body, change...)
		r.refused(err, code)
	}}
}

func sendCases() []conformance {
	return slices.Concat(contentCases(), sendRefusals(), sendLimits())
}

func contentCases() []conformance {
	return []conformance{
		{name: "a message arrives as it was sent", run: func(r *rig) {
			url := r.standard()
			out, err := r.trySend(url, "Grüße, \t\r\n 世界 \U0001F600 \uE000\uFFFD\uD7FF")
			r.no(err)
			m := r.one(url)
			want(r, "body", *m.Body, "Grüße, \t\r\n 世界 \U0001F600 \uE000\uFFFD\uD7FF")
			want(r, "ID", *m.MessageId, *out.MessageId)
		}},
		{name: "attributes of every type come back when asked for", run: attributesComeBack},
		{name: "the digest of attributes is the one recorded on AWS", run: digestIsAsOnAWS},
		{
			name: "attributes can be asked for by prefix",
			differs: "it knows full names only; API Reference, ReceiveMessage: " +
				"MessageAttributeNames",
			run: func(r *rig) {
				url := r.standard()
				_, err := r.trySend(url, "x", with(map[string]types.MessageAttributeValue{
					"order.id": text("1"), "order.by": text("2"), "other": text("3"),
				}))
				r.no(err)
				m := r.one(url, func(in *awssqs.ReceiveMessageInput) {
					in.MessageAttributeNames = []string{"order.*"}
				})
				want(r, "attributes", strings.Join(
					sortedKeys(m.MessageAttributes), " ",
				), "order.by order.id")
			},
		},
		{name: "nothing but the message comes unasked", run: func(r *rig) {
			url := r.standard()
			_, err := r.trySend(
				url, "x", with(map[string]types.MessageAttributeValue{"a": text("1")}),
			)
			r.no(err)
			m := r.one(url, func(in *awssqs.ReceiveMessageInput) {
				in.MessageAttributeNames, in.MessageSystemAttributeNames = nil, nil
			})
			want(r, "attributes", len(m.MessageAttributes)+len(m.Attributes), 0)
		}},
		{name: "the trace header travels with the message", run: func(r *rig) {
			const trace = "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1"
			url := r.standard()
			_, err := r.trySend(url, "x", func(in *awssqs.SendMessageInput) {
				in.MessageSystemAttributes = map[string]types.MessageSystemAttributeValue{
					"AWSTraceHeader": {
						DataType: aws.String("String"), StringValue: aws.String(trace),
					},
				}
			})
			r.no(err)
			want(r, "AWSTraceHeader", r.one(url).Attributes["AWSTraceHeader"], trace)
		}},
	}
}

func digestIsAsOnAWS(r *rig) {
	url := r.standard()
	out, err := r.trySend(url, "msg", with(map[string]types.MessageAttributeValue{
		"Hello": text("There"), "General": text("Kenobi"), "Help.Me": text("Me"),
	}))
	r.no(err)
	want(
		r, "MD5OfMessageAttributes", *out.MD5OfMessageAttributes,
		"4c360f3fdafd970e05fae2f149d997f5",
	)
	m := r.one(url, func(in *awssqs.ReceiveMessageInput) {
		in.MessageAttributeNames = []string{"Hello", "nope"}
	})
	want(
		r, "digest of one", aws.ToString(m.MD5OfMessageAttributes),
		"a311262e065454b75da111d535b8dacd",
	)
}

func sendRefusals() []conformance {
	eleven := make(map[string]types.MessageAttributeValue)
	for i := range 11 {
		eleven["a"+strconv.Itoa(i)] = text("v")
	}
	return []conformance{
		refusesSend("an empty body is refused", "MissingParameter", "", ""),
		refusesSend("a control character is refused", "InvalidMessageContents", "", "a\x01b"),
		refusesSend("U+FFFE is refused", "InvalidMessageContents", "", "\uFFFE"),
		refusesSend("an attribute without value is refused", "InvalidParameterValue", "", "x",
			with(map[string]types.MessageAttributeValue{"a": {
				DataType: aws.String("String"), StringValue: aws.String(""),
			}})),
		refusesSend("an attribute of an unknown type is refused", "InvalidParameterValue", "", "x",
			with(map[string]types.MessageAttributeValue{"a": {
				DataType: aws.String("Text"), StringValue: aws.String("v"),
			}})),
		refusesSend("an attribute name that AWS reserves is refused", "InvalidParameterValue",
			`it accepts any name; Developer Guide, "Amazon SQS message attributes"`, "x",
			with(map[string]types.MessageAttributeValue{"AWS.a": text("v")})),
		refusesSend(
			"eleven attributes are refused", "InvalidParameterValue", "", "x", with(eleven),
		),
		refusesSend("a delay above 15 minutes is refused", "InvalidParameterValue", "", "x",
			func(in *awssqs.SendMessageInput) { in.DelaySeconds = 901 }),
		refusesSend(
			"a deduplication ID is refused on a standard queue", "InvalidParameterValue", "", "x",
			func(in *awssqs.SendMessageInput) { in.MessageDeduplicationId = aws.String("d") },
		),
	}
}

func sendLimits() []conformance {
	return []conformance{
		{name: "a group ID is accepted on a standard queue and orders nothing", run: func(r *rig) {
			url := r.standard()
			r.sendTo(url, "tenant", "1", "2")
			want(r, "first", len(r.receive(url, 1)), 1)
			m := r.one(url)
			want(r, "group", m.Attributes["MessageGroupId"], "tenant")
		}},
		{
			name:    "a message of 1 MiB is accepted",
			differs: "its limit is 256 KiB; API Reference, SendMessage: 1 MiB since 2025-08",
			run: func(r *rig) {
				url := r.standard()
				r.send(url, strings.Repeat("x", 1<<20))
				want(r, "length", len(*r.one(url).Body), 1<<20)
			},
		},
		{
			name:    "a message above MaximumMessageSize is refused, attributes counted",
			differs: "it ignores MaximumMessageSize; API Reference, CreateQueue",
			run: func(r *rig) {
				url := r.queue(sqs.QueueSpec{MaximumMessageSize: aws.Int(1024)})
				// 3 + 6 + 1 bytes
				attributes := with(map[string]types.MessageAttributeValue{"abc": text("d")})
				_, err := r.trySend(url, strings.Repeat("x", 1014), attributes)
				r.no(err)
				_, err = r.trySend(url, strings.Repeat("x", 1015), attributes)
				r.refused(err, "InvalidParameterValue")
			},
		},
		{name: "a message with a delay of its own comes later", run: func(r *rig) {
			url := r.standard()
			_, err := r.trySend(
				url, "late", func(in *awssqs.SendMessageInput) { in.DelaySeconds = 1 },
			)
			r.no(err)
			r.counts(url, 0, 0, 1)
			r.gets(url)
			r.sleep(1200 * time.Millisecond)
			r.gets(url, "late")
		}},
		{name: "a queue with a delay delays every message", run: func(r *rig) {
			url := r.queue(sqs.QueueSpec{DelaySeconds: aws.Int(1)})
			r.send(url, "late")
			r.gets(url)
			r.sleep(1200 * time.Millisecond)
			r.gets(url, "late")
		}},
	}
}

func attributesComeBack(r *rig) {
	url := r.standard()
	sent := map[string]types.MessageAttributeValue{
		"s": text("text"),
		"n": {DataType: aws.String("Number.int"), StringValue: aws.String("42")},
		"b": {DataType: aws.String("Binary"), BinaryValue: []byte{0, 1, 254, 255}},
	}
	_, err := r.trySend(url, "x", with(sent))
	r.no(err)
	m := r.one(url)
	same := func(a, b types.MessageAttributeValue) bool {
		return *a.DataType == *b.DataType &&
			aws.ToString(a.StringValue) == aws.ToString(b.StringValue) &&
			slices.Equal(a.BinaryValue, b.BinaryValue)
	}
	if !maps.EqualFunc(m.MessageAttributes, sent, same) {
		r.fatalf("attributes are %v", m.MessageAttributes)
	}
}

func entries(
	n int, change ...func(int, *types.SendMessageBatchRequestEntry),
) []types.SendMessageBatchRequestEntry {
	var out []types.SendMessageBatchRequestEntry
	for i := range n {
		s := strconv.Itoa(i)
		e := types.SendMessageBatchRequestEntry{
			Id: aws.String("id" + s), MessageBody: aws.String(s),
		}
		for _, f := range change {
			f(i, &e)
		}
		out = append(out, e)
	}
	return out
}

func (r *rig) trySendBatch(
	url string, e []types.SendMessageBatchRequestEntry,
) (*awssqs.SendMessageBatchOutput, error) {
	return r.client.SendMessageBatch(
		r.ctx, &awssqs.SendMessageBatchInput{QueueUrl: &url, Entries: e},
	)
}

func refusesBatch(name, code, differs string, e []types.SendMessageBatchRequestEntry) conformance {
	return conformance{name: name, differs: differs, run: func(r *rig) {
		_, err := r.trySendBatch(r.standard(), e)
		r.refused(err, code)
	}}
}

func batchCases() []conformance {
	const prefix = "AWS.SimpleQueueService."
	type entry = types.SendMessageBatchRequestEntry
	big := strings.Repeat("x", 600<<10)
	return []conformance{
		{name: "a batch of ten arrives whole", run: func(r *rig) {
			url := r.standard()
			out, err := r.trySendBatch(url, entries(10))
			r.no(err)
			want(r, "successful", len(out.Successful), 10)
			got := bodiesOf(r.receive(url, 10))
			slices.Sort(got)
			want(r, "bodies", strings.Join(got, ""), "0123456789")
		}},
		refusesBatch("an empty batch is refused", prefix+"EmptyBatchRequest",
			"it answers an empty success; API Reference, SendMessageBatch: EmptyBatchRequest",
			[]entry{}),
		refusesBatch(
			"a batch of eleven is refused", prefix+"TooManyEntriesInBatchRequest", "", entries(11),
		),
		refusesBatch("a batch with an ID twice is refused", prefix+"BatchEntryIdsNotDistinct", "",
			entries(2, func(_ int, e *entry) { e.Id = aws.String("same") })),
		refusesBatch("a batch with a malformed ID is refused", prefix+"InvalidBatchEntryId",
			"it accepts any ID; API Reference, SendMessageBatchRequestEntry: alphanumeric, "+
				"hyphens, underscores",
			entries(1, func(_ int, e *entry) { e.Id = aws.String("a:b") })),
		refusesBatch("a batch above 1 MiB in total is refused", prefix+"BatchRequestTooLong", "",
			entries(2, func(_ int, e *entry) { e.MessageBody = &big })),
		{name: "a bad entry of a batch fails alone", run: func(r *rig) {
			url := r.standard()
			out, err := r.trySendBatch(url, entries(3, func(i int, e *entry) {
				if i == 1 {
					e.DelaySeconds = 901
				}
			}))
			r.no(err)
			want(r, "successful", len(out.Successful), 2)
			want(r, "failed", len(out.Failed), 1)
			want(r, "failed ID", *out.Failed[0].Id, "id1")
			want(r, "code", *out.Failed[0].Code, "InvalidParameterValue")
			want(r, "sender's fault", out.Failed[0].SenderFault, true)
		}},
	}
}
