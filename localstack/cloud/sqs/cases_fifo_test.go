package sqs_test

import (
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"hark/localstack/cloud/sqs"
)

func group(id string) func(*awssqs.SendMessageInput) {
	return func(in *awssqs.SendMessageInput) { in.MessageGroupId = &id }
}

func dedupID(id string) func(*awssqs.SendMessageInput) {
	return func(in *awssqs.SendMessageInput) { in.MessageDeduplicationId = &id }
}

func refusesFIFO(name, code, differs string, change ...func(*awssqs.SendMessageInput)) conformance {
	return conformance{name: name, differs: differs, run: func(r *rig) {
		_, err := r.trySend(r.queue(sqs.QueueSpec{FifoQueue: true}), "x", change...)
		r.refused(err, code)
	}}
}

func fifoCases() []conformance {
	return slices.Concat(fifoRefusals(), fifoOrderCases(), fifoInFlightCases(), fifoTimeCases())
}

func fifoRefusals() []conformance {
	return []conformance{
		refusesFIFO("a FIFO queue demands a group", "MissingParameter", "", dedupID("d")),
		refusesFIFO(
			"a FIFO queue demands a deduplication ID", "InvalidParameterValue", "", group("g"),
		),
		refusesFIFO("a group ID above 128 characters is refused", "InvalidParameterValue", "",
			group(strings.Repeat("g", 129)), dedupID("d")),
		refusesFIFO(
			"a group ID with a space is refused", "InvalidParameterValue", "", group("a b"),
			dedupID("d"),
		),
		refusesFIFO(
			"a deduplication ID above 128 characters is refused", "InvalidParameterValue", "",
			group("g"), dedupID(strings.Repeat("d", 129)),
		),
		refusesFIFO(
			"a delay of its own is refused for a message of a FIFO queue",
			"InvalidParameterValue", "", group("g"), dedupID("d"),
			func(in *awssqs.SendMessageInput) { in.DelaySeconds = 1 },
		),
	}
}

func fifoOrderCases() []conformance {
	type entry = types.SendMessageBatchRequestEntry
	return []conformance{
		{name: "every character of the allowed set may be in a group ID", run: func(r *rig) {
			const all = "azAZ09!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
			url := r.fifo()
			r.sendTo(url, all, "x")
			want(r, "group", r.one(url).Attributes["MessageGroupId"], all)
		}},
		{name: "messages of a group come in order", run: func(r *rig) {
			url := r.fifo()
			r.sendTo(url, "g", "1", "2", "3")
			r.gets(url, "1", "2", "3")
		}},
		{name: "a batch keeps its order", run: func(r *rig) {
			url := r.fifo()
			_, err := r.trySendBatch(
				url, entries(10, func(_ int, e *entry) { e.MessageGroupId = aws.String("g") }),
			)
			r.no(err)
			r.gets(url, strings.Split("0123456789", "")...)
		}},
		{
			name: "a batch with an entry without group is refused whole",
			differs: "it fails the entry only; LocalStack recorded the refusal of the whole on " +
				"AWS (14-11-2023)",
			run: func(r *rig) {
				_, err := r.trySendBatch(r.fifo(), entries(2, func(i int, e *entry) {
					if i == 0 {
						e.MessageGroupId = aws.String("g")
					}
				}))
				r.refused(err, "InvalidParameterValue")
			},
		},
	}
}

func fifoInFlightCases() []conformance {
	return []conformance{
		{
			name: "a group with a message in flight gives out no more, other groups do",
			run: func(r *rig) {
				url := r.fifo()
				r.sendTo(url, "a", "a1", "a2")
				r.sendTo(url, "b", "b1")
				want(r, "first", *r.one(url).Body, "a1")
				r.gets(url, "b1")
				r.gets(url)
				r.counts(url, 1, 2, 0)
			},
		},
		{name: "a group waits until all its messages in flight are deleted", run: func(r *rig) {
			url := r.fifo()
			r.sendTo(url, "g", "1", "2", "3")
			got := r.receive(url, 2)
			want(r, "received", strings.Join(bodiesOf(got), ""), "12")
			r.delete(url, got[0])
			r.gets(url)
			r.delete(url, got[1])
			r.gets(url, "3")
		}},
		{name: "a message that comes back comes before later ones of its group", run: func(r *rig) {
			url := r.fifo()
			r.sendTo(url, "g", "1", "2")
			r.one(url, visibility(1))
			r.gets(url)
			r.sleep(1200 * time.Millisecond)
			r.gets(url, "1", "2")
		}},
		{name: "a change to zero gives the group back", run: func(r *rig) {
			url := r.fifo()
			r.sendTo(url, "g", "1", "2")
			r.no(r.tryChange(url, *r.one(url).ReceiptHandle, 0))
			r.gets(url, "1", "2")
		}},
		{
			name: "a group waits until all its messages in flight are visible again",
			differs: `it gives out the first again while the second is in flight; re:Post "SQS ` +
				`FIFO messages not returned": messages in flight block the others of their group`,
			run: func(r *rig) {
				url := r.fifo()
				r.sendTo(url, "g", "1", "2", "3")
				got := r.receive(url, 2)
				r.no(r.tryChange(url, *got[0].ReceiptHandle, 0))
				r.gets(url)
				r.no(r.tryChange(url, *got[1].ReceiptHandle, 0))
				r.gets(url, "1", "2", "3")
			},
		},
	}
}

func fifoTimeCases() []conformance {
	return []conformance{
		{name: "a long poll is woken when the message in front is deleted", run: func(r *rig) {
			url := r.fifo()
			r.sendTo(url, "g", "1", "2")
			m := r.one(url)
			begin := time.Now()
			time.AfterFunc(200*time.Millisecond, func() { _ = r.tryDelete(url, *m.ReceiptHandle) })
			want(r, "body", *r.one(url, wait(10)).Body, "2")
			want(r, "woken soon", time.Since(begin) < 3*time.Second, true)
		}},
		{
			name: "a FIFO queue refuses a delete after the visibility timeout",
			differs: `it deletes; re:Post "SQS receipt handle error": InvalidParameterValue, the ` +
				"receipt handle has expired",
			run: func(r *rig) {
				url := r.fifo()
				r.sendTo(url, "g", "1")
				m := r.one(url, visibility(1))
				r.sleep(1200 * time.Millisecond)
				r.refused(r.tryDelete(url, *m.ReceiptHandle), "InvalidParameterValue")
			},
		},
		{name: "a FIFO queue with a delay delays every message", run: func(r *rig) {
			url := r.queue(sqs.QueueSpec{
				FifoQueue: true, ContentBasedDeduplication: true, DelaySeconds: aws.Int(1),
			})
			r.sendTo(url, "g", "1", "2")
			r.gets(url)
			r.sleep(1200 * time.Millisecond)
			r.gets(url, "1", "2")
		}},
		{
			name: "sequence numbers have 20 digits and rise",
			differs: `it counts 0, 1, 2; Developer Guide, "FIFO queue and message identifiers": ` +
				"128 bits, 20 digits in its examples",
			run: func(r *rig) {
				url := r.fifo()
				first := *r.sendTo(url, "g", "1").SequenceNumber
				second := *r.sendTo(url, "g", "2").SequenceNumber
				want(r, "digits", len(first), 20)
				want(r, "rise", first < second, true)
				want(r, "received", r.gets(url, "1", "2")[1].Attributes["SequenceNumber"], second)
			},
		},
		{name: "a receive attempt ID is accepted", run: func(r *rig) {
			url := r.fifo()
			r.sendTo(url, "g", "1")
			r.one(url, func(in *awssqs.ReceiveMessageInput) {
				in.ReceiveRequestAttemptId = aws.String("attempt-1")
			})
		}},
	}
}

func dedupCases() []conformance {
	return slices.Concat(dedupScopeCases(), contentDedupCases())
}

func dedupScopeCases() []conformance {
	perGroup := sqs.QueueSpec{
		FifoQueue: true, DeduplicationScope: "messageGroup",
		FifoThroughputLimit: "perMessageGroupId",
	}
	return []conformance{
		{name: "a duplicate is answered like the first and not delivered", run: func(r *rig) {
			url := r.queue(sqs.QueueSpec{FifoQueue: true})
			first, err := r.trySend(url, "one", group("g"), dedupID("d"))
			r.no(err)
			second, err := r.trySend(url, "two", group("g"), dedupID("d"))
			r.no(err)
			want(r, "ID", *second.MessageId, *first.MessageId)
			r.gets(url, "one")
			r.counts(url, 0, 1, 0)
		}},
		{name: "a duplicate in another group is one too", run: func(r *rig) {
			url := r.queue(sqs.QueueSpec{FifoQueue: true})
			for _, g := range []string{"a", "b"} {
				_, err := r.trySend(url, g, group(g), dedupID("d"))
				r.no(err)
			}
			r.gets(url, "a")
		}},
		{
			name:    "a duplicate in another group is none if the scope is the group",
			differs: "its scope is the queue; API Reference, CreateQueue: DeduplicationScope",
			run: func(r *rig) {
				url := r.queue(perGroup)
				for _, g := range []string{"a", "b", "b"} {
					_, err := r.trySend(url, g, group(g), dedupID("d"))
					r.no(err)
				}
				got := bodiesOf(r.receive(url, 10))
				slices.Sort(got)
				want(r, "bodies", strings.Join(got, ""), "ab")
			},
		},
	}
}

func contentDedupCases() []conformance {
	return []conformance{
		{name: "a message is remembered after it is deleted", run: func(r *rig) {
			url := r.fifo()
			r.sendTo(url, "g", "x")
			r.delete(url, r.one(url))
			r.sendTo(url, "g", "x")
			r.gets(url)
		}},
		{name: "equal content is a duplicate, whatever the attributes", run: func(r *rig) {
			url := r.fifo()
			r.sendTo(url, "g", "x")
			_, err := r.trySend(
				url, "x", group("g"), with(map[string]types.MessageAttributeValue{"a": text("b")}),
			)
			r.no(err)
			r.gets(url, "x")
		}},
		{name: "the content's hash is SHA-256 and can be given by hand", run: func(r *rig) {
			// The hash of "x".
			const hash = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
			url := r.fifo()
			r.sendTo(url, "g", "x")
			_, err := r.trySend(url, "y", group("g"), dedupID(hash))
			r.no(err)
			want(r, "hash", r.gets(url, "x")[0].Attributes["MessageDeduplicationId"], hash)
		}},
		{name: "an ID given by hand wins over the content's", run: func(r *rig) {
			url := r.fifo()
			for _, id := range []string{"d1", "d2"} {
				_, err := r.trySend(url, "x", group("g"), dedupID(id))
				r.no(err)
			}
			r.gets(url, "x", "x")
		}},
	}
}
