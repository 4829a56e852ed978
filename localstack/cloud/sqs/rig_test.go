package sqs_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"hark/localstack/cloud/sqs"
)

const account = "000000000000"

// engine is a server that implements SQS, and the function that makes a queue in it.
type engine struct {
	endpoint string
	region   string
	anyCode  bool // refusals need not have AWS's names
	http     *http.Client
	create   func(ctx context.Context, client *awssqs.Client, spec sqs.QueueSpec) error
}

// ours is this package without a network, so that it can run in a synctest bubble.
func ours() engine {
	const endpoint = "http://sqs.local"
	svc := sqs.New(sqs.Options{Region: "us-east-1", Account: account, Endpoint: endpoint})
	create := func(_ context.Context, _ *awssqs.Client, spec sqs.QueueSpec) error {
		return svc.Create(spec)
	}
	return engine{
		endpoint: endpoint, region: "us-east-1", create: create,
		http: &http.Client{Transport: direct{svc}},
	}
}

// direct passes requests to a handler.
type direct struct{ http.Handler }

func (d direct) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)
	return w.Result(), nil
}

// elasticMQ is compared by what it refuses, not by the names of its errors. Most names are its own,
// and it does not send the header from which SDKs take AWS's. One case of the suite is about these.
func elasticMQ(endpoint string) engine {
	create := func(ctx context.Context, client *awssqs.Client, spec sqs.QueueSpec) error {
		name, attributes, err := attributesOf(spec)
		if err != nil {
			return err
		}
		_, err = client.CreateQueue(
			ctx, &awssqs.CreateQueueInput{QueueName: &name, Attributes: attributes},
		)
		return err
	}
	return engine{
		endpoint: endpoint, region: "elasticmq", anyCode: true, create: create,
		http: http.DefaultClient,
	}
}

// attributesOf returns the spec in the form of CreateQueue's parameters.
func attributesOf(spec sqs.QueueSpec) (name string, attributes map[string]string, err error) {
	b, err := json.Marshal(spec)
	if err != nil {
		return "", nil, err
	}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(b, &raw); err != nil {
		return "", nil, err
	}
	delete(raw, "QueueName")
	attributes = make(map[string]string)
	for k, v := range raw {
		attributes[k] = string(v)
		if s, err := strconv.Unquote(string(v)); err == nil {
			attributes[k] = s
		}
	}
	return spec.QueueName, attributes, nil
}

// rig is what one case works with: an engine, and queues of its own. Its helpers end the case at
// the first failure. The failure is an error and not the test's, because a case may be known to
// differ.
type rig struct {
	engine
	ctx    context.Context
	client *awssqs.Client
	prefix string // of the names of this case's queues
	err    error
}

// attempt runs the case and returns how it failed.
func attempt(t *testing.T, e engine, prefix string, run func(*rig)) error {
	t.Helper()
	r := &rig{engine: e, ctx: t.Context(), client: newClient(e), prefix: prefix}
	done := make(chan struct{})
	go func() {
		defer close(done)
		run(r)
	}()
	<-done
	return r.err
}

func newClient(e engine) *awssqs.Client {
	return awssqs.New(awssqs.Options{
		Region: e.region, BaseEndpoint: &e.endpoint, RetryMaxAttempts: 1, HTTPClient: e.http,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret"}, nil
		}),
	})
}

func (r *rig) fatalf(format string, args ...any) {
	r.err = fmt.Errorf(format, args...)
	runtime.Goexit()
}

func (r *rig) no(err error) {
	if err != nil {
		r.fatalf("%w", err)
	}
}

func want[T comparable](r *rig, what string, got, want T) {
	if got != want {
		r.fatalf("%s: got %v, want %v", what, got, want)
	}
}

// refused asserts the error that SDKs report.
func (r *rig) refused(err error, code string) {
	var api smithy.APIError
	switch {
	case err == nil:
		r.fatalf("not refused, want %s", code)
	case !errors.As(err, &api) || api.ErrorCode() != code && !r.anyCode:
		r.fatalf("refused with %w, want %s", err, code)
	}
}

// queue makes a queue, with the rig's prefix before its name, and returns its URL.
func (r *rig) queue(spec sqs.QueueSpec) string {
	spec.QueueName = r.prefix + spec.QueueName
	if spec.FifoQueue {
		spec.QueueName += ".fifo"
	}
	r.no(r.create(r.ctx, r.client, spec))
	return r.endpoint + "/" + account + "/" + spec.QueueName
}

func (r *rig) standard() string { return r.queue(sqs.QueueSpec{}) }

// fifo makes a FIFO queue with content-based deduplication.
func (r *rig) fifo() string {
	return r.queue(sqs.QueueSpec{FifoQueue: true, ContentBasedDeduplication: true})
}

func (r *rig) arn(name string) string {
	return "arn:aws:sqs:" + r.region + ":" + account + ":" + r.prefix + name
}

func (r *rig) send(url string, bodies ...string) {
	for _, body := range bodies {
		_, err := r.client.SendMessage(
			r.ctx, &awssqs.SendMessageInput{QueueUrl: &url, MessageBody: &body},
		)
		r.no(err)
	}
}

// sendTo sends to a group of a FIFO queue.
func (r *rig) sendTo(url, group string, bodies ...string) (last *awssqs.SendMessageOutput) {
	for _, body := range bodies {
		out, err := r.client.SendMessage(r.ctx, &awssqs.SendMessageInput{
			QueueUrl: &url, MessageBody: &body, MessageGroupId: &group,
		})
		r.no(err)
		last = out
	}
	return last
}

// receive receives up to limit messages, without waiting unless a change says so.
func (r *rig) receive(
	url string, limit int32, change ...func(*awssqs.ReceiveMessageInput),
) []types.Message {
	in := &awssqs.ReceiveMessageInput{
		QueueUrl: &url, MaxNumberOfMessages: limit,
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{"All"},
		MessageAttributeNames:       []string{"All"},
	}
	for _, f := range change {
		f(in)
	}
	out, err := r.client.ReceiveMessage(r.ctx, in)
	r.no(err)
	return out.Messages
}

func visibility(seconds int32) func(*awssqs.ReceiveMessageInput) {
	return func(in *awssqs.ReceiveMessageInput) { in.VisibilityTimeout = seconds }
}

func wait(seconds int32) func(*awssqs.ReceiveMessageInput) {
	return func(in *awssqs.ReceiveMessageInput) { in.WaitTimeSeconds = seconds }
}

// one receives exactly one message.
func (r *rig) one(url string, change ...func(*awssqs.ReceiveMessageInput)) types.Message {
	got := r.receive(url, 1, change...)
	want(r, "messages received", len(got), 1)
	return got[0]
}

// bounce receives one message and makes it visible again at once, by a second request, because the
// SDK does not send a visibility timeout of zero.
func (r *rig) bounce(url string) types.Message {
	m := r.one(url)
	r.no(r.tryChange(url, *m.ReceiptHandle, 0))
	return m
}

// gets receives up to 10 messages and compares their bodies.
func (r *rig) gets(url string, bodies ...string) []types.Message {
	got := r.receive(url, 10)
	if texts := bodiesOf(got); !slices.Equal(texts, bodies) {
		r.fatalf("received %q, want %q", texts, bodies)
	}
	return got
}

func bodiesOf(messages []types.Message) []string {
	var texts []string
	for _, m := range messages {
		texts = append(texts, *m.Body)
	}
	return texts
}

func (r *rig) delete(url string, messages ...types.Message) {
	for _, m := range messages {
		r.no(r.tryDelete(url, *m.ReceiptHandle))
	}
}

func (r *rig) tryDelete(url, handle string) error {
	_, err := r.client.DeleteMessage(
		r.ctx, &awssqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: &handle},
	)
	return err
}

func (r *rig) tryChange(url, handle string, seconds int32) error {
	_, err := r.client.ChangeMessageVisibility(r.ctx, &awssqs.ChangeMessageVisibilityInput{
		QueueUrl: &url, ReceiptHandle: &handle, VisibilityTimeout: seconds,
	})
	return err
}

func (r *rig) attribute(url, name string) string {
	out, err := r.client.GetQueueAttributes(r.ctx, &awssqs.GetQueueAttributesInput{
		QueueUrl: &url, AttributeNames: []types.QueueAttributeName{types.QueueAttributeName(name)},
	})
	r.no(err)
	return out.Attributes[name]
}

// counts asserts how many messages are visible, in flight and delayed.
func (r *rig) counts(url string, visible, inFlight, delayed int) {
	const n = "ApproximateNumberOfMessages"
	got := []string{
		r.attribute(url, n), r.attribute(url, n+"NotVisible"), r.attribute(url, n+"Delayed"),
	}
	want(r, "visible, in flight, delayed", fmt.Sprint(got), fmt.Sprint([]int{
		visible, inFlight, delayed,
	}))
}

// raw posts a request without the SDK.
func (r *rig) raw(operation, body string) (status int, header http.Header, answer map[string]any) {
	status, header, b := r.post(operation, body)
	r.no(json.Unmarshal(b, &answer))
	return status, header, answer
}

// refusedRaw asserts the error of a request that the SDK would not send.
func (r *rig) refusedRaw(operation, body, code string) {
	status, header, _ := r.post(operation, body)
	want(r, "status", status, http.StatusBadRequest)
	if !r.anyCode {
		want(r, "code", header.Get("X-Amzn-Query-Error"), code+";Sender")
	}
}

func (r *rig) post(operation, body string) (status int, header http.Header, answer []byte) {
	req, err := http.NewRequestWithContext(
		r.ctx, http.MethodPost, r.endpoint+"/", bytes.NewBufferString(body),
	)
	r.no(err)
	req.Header.Set("X-Amz-Target", "AmazonSQS."+operation)
	req.Header.Set("Content-Type", "application/x-amz-json-1.0")
	res, err := r.http.Do(req)
	r.no(err)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	r.no(err)
	return res.StatusCode, res.Header, b
}

// sleep waits. Keep it short: ElasticMQ runs in real time.
func (r *rig) sleep(d time.Duration) { time.Sleep(d) }

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
